/**
 * What goes wrong with a node's settings, its tools, its state and the data partition.
 *
 * @module
 */

import { formatState, NEW_STATE } from "../../../mod/core/mod.ts";
import { STATE } from "../_test_node.ts";
import type { Breakage } from "./_disk_breakages.ts";
import { CONF, KEY } from "./_healthy_node.ts";

/** For each one what `doctor` says of it, and of nothing else. */
export const NODE_BREAKAGES: readonly Breakage[] = [
  {
    what: "a tool is missing",
    sh: `mkdir -p /run/bin/up /run/bin/work
      mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=/run/bin/up,workdir=/run/bin/work /usr/bin
      rm /usr/bin/setsid /usr/bin/grub-editenv`,
    mendSh: "umount -l /usr/bin",
    says: { "tools": ["warning", /^no setsid$/, /health scripts cannot be run/] },
  },
  {
    what: "the data partition is full",
    sh: "cat /dev/zero >/var/lib/kubesolo/full 2>/dev/null || true",
    mendSh: "rm /var/lib/kubesolo/full",
    says: { "data partition": ["problem", /ext4.*with 0 B free$/, /^make room/] },
  },
  {
    what: "the data partition is read-only",
    sh: "mount -o remount,ro /var/lib/kubesolo",
    mendSh: "mount -o remount,rw /var/lib/kubesolo",
    says: { "data partition": ["problem", /ext4.*read-only$/, /kernel's log/] },
  },
  {
    what: "the data partition is not mounted",
    sh: "umount /var/lib/kubesolo",
    mend: (node) => node.sandbox.sh(`mount ${node.disk.of("KSOLODATA")} /var/lib/kubesolo`),
    says: { "data partition": ["problem", /tmpfs.*gone after a reboot$/, /KSOLODATA/] },
  },
  {
    what: "the state is garbled",
    sh: `cp ${STATE} /run/state; echo '{' >${STATE}; touch ${STATE}.garbled-1`,
    mendSh: `cp /run/state ${STATE}; rm ${STATE}.garbled-1`,
    says: { "state": ["problem", /^\/var\/lib\/kubesolo\/update\/state.json: /, /sets it aside/] },
  },
  {
    what: "the clock is behind what was written down, and a download was never ended",
    wreck: (node) =>
      node.put(
        STATE,
        formatState({
          ...NEW_STATE,
          phase: "downloading",
          to_version: "2.0.0",
          updated_at: "2026-01-01T00:00:00Z",
          started_at: "2050-01-01T00:00:00Z",
        }),
      ),
    mend: (node) => node.put(STATE, formatState(NEW_STATE)),
    says: {
      "clock": ["problem", /^it is at least 2050-01-01T00:00:00.000Z, which the clock has/, /NTP/],
      "state": ["warning", /^phase downloading 2.0.0 since 2026/, /run the command again/],
    },
  },
  {
    what: "no time server has answered",
    sh: "mkdir -p /run/systemd/timesync",
    mendSh: "touch /run/systemd/timesync/synchronized",
    says: { "clock": ["warning", /no time server has answered yet$/, /^see `timedatectl/] },
  },
  {
    what: "an agent was killed",
    sh:
      "touch /var/lib/kubesolo/update/health-check.tmp; mkdir -p /run/kubesolo-update/mnt/99999999-a",
    mendSh:
      "rm /var/lib/kubesolo/update/health-check.tmp; rmdir /run/kubesolo-update/mnt/99999999-a",
    says: { "leftovers": ["warning", /health-check.tmp, .*\/99999999-a$/] },
  },
  {
    what: "more keys have to sign than there are",
    wreck: async (node) => {
      await node.put("/etc/kubesolo/update.conf", "server=http://updates.lan\n");
      const keys = [{ name: "ops", key: KEY }];
      await node.put(
        "/etc/kubesolo/trust.json",
        JSON.stringify({ version: 1, threshold: 2, keys }),
      );
    },
    mendSh: "rm /etc/kubesolo/trust.json",
    mend: (node) => node.put("/etc/kubesolo/update.conf", CONF),
    says: {
      "trust": ["problem", /trust.json: threshold/, /write version, threshold and keys there/],
    },
  },
  {
    what: "there is no key, and a setting is wrong",
    wreck: (node) =>
      node.put(
        "/etc/kubesolo/update.conf",
        "server=http://x\nmaintenance_window=never\ncolour=red\n",
      ),
    mend: (node) => node.put("/etc/kubesolo/update.conf", CONF),
    says: {
      "settings": [
        "problem",
        /maintenance_window in .*:2.*update.conf:3: unknown key colour/,
        /kubesolo-update config/,
      ],
      "trust": ["warning", /^no key: whatever answers/, /deno task keygen/],
    },
  },
];
