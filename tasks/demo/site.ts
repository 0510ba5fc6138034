/**
 * The site of the demo: a node's disk, and the update server in its LAN.
 *
 * @module
 */

import { PrivateKey, signFile } from "../../mod/trust/mod.ts";
import { HOST_ADDRESS } from "../vm.ts";
import { serveFiles } from "../file_server.ts";
import { buildImage } from "../image.ts";
import { makeRelease } from "../release.ts";
import { Sysroot } from "../sysroot.ts";
import { STATUS_MARK } from "./story.ts";

/** An update server on this machine, with the releases below one directory. */
export interface UpdateServer extends AsyncDisposable {
  /** Name of the setting that has its address; `server` where absent. */
  readonly setting?: "server" | "omaha";
  /** What a node has there in its update.conf. */
  readonly address: string;
  /** What a node says besides, when it asks. */
  readonly flags: string;
  /** What a node has as `pubkey=`. */
  readonly pubkey: string;
  /** Makes a release the newest one, signed; or one that somebody has changed after that. */
  publish(version: string, tampered?: boolean): Promise<void>;
}

/**
 * Serves `directory`, in which every release has a directory of its own, on a free port of the
 * loopback.
 */
export async function serveReleases(directory: string): Promise<UpdateServer> {
  const server = await serveFiles(directory);
  const key = PrivateKey.generate();
  return {
    pubkey: key.publicKey.bytes.toHex(),
    address: `http://${HOST_ADDRESS}:${server.port}`,
    flags: "",
    async publish(version, tampered = false) {
      const release = JSON.parse(
        await Deno.readTextFile(`${directory}/${version}/latest.json`),
      ) as Record<string, unknown>;
      for (const name of ["vmlinuz_url", "initramfs_url"]) {
        release[name] = `${version}/${release[name]}`;
      }
      const signed = new TextEncoder().encode(JSON.stringify(release, null, 2));
      await Deno.writeFile(`${directory}/latest.json.sig`, signFile(key, signed, "base64"));
      const text = JSON.stringify({ ...release, ...tampered && { version: "9.9.9" } }, null, 2);
      await Deno.writeTextFile(`${directory}/latest.json.new`, text);
      await Deno.rename(`${directory}/latest.json.new`, `${directory}/latest.json`);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A release to make: where a site's server has it, `<directory>/<version>`. */
export interface PlannedRelease {
  readonly version: string;
  /** The node's service does not come up in it. */
  readonly broken?: boolean;
}

/** Makes releases below `directory`, out of `sysroot` or this machine. */
export async function makeReleases(
  directory: string,
  agent: string,
  releases: readonly PlannedRelease[],
  sysroot?: Sysroot,
): Promise<void> {
  for (const { version, broken } of releases) {
    await makeRelease({ version, broken, agent, sysroot, directory: `${directory}/${version}` });
  }
}

/**
 * Makes the disk of a node with `version` in both slots, which asks `server` and does what `onBoot` says
 * once it is up.
 */
export async function makeNodeDisk(options: {
  readonly output: string;
  readonly releases: string;
  readonly version: string;
  readonly server: UpdateServer;
  readonly onBoot: string;
  /** Whose architecture the node has; this machine where absent. */
  readonly sysroot?: Sysroot;
}): Promise<void> {
  const { output, releases, version, server, onBoot, sysroot = Sysroot.here() } = options;
  const data = await Deno.makeTempDir({ prefix: "kubesolo-data-" });
  try {
    const etc = `${data}/etc-kubesolo`;
    await Deno.mkdir(`${etc}/health.d/required.d`, { recursive: true });
    await Deno.writeTextFile(
      `${etc}/cloud-config.yaml`,
      cloudConfig(server, HEALTH_DEADLINE_SECONDS[sysroot.architecture]),
    );
    await Deno.writeTextFile(`${etc}/health.d/required.d/warm`, SLOW_TO_WARM_UP, { mode: 0o755 });
    await Deno.writeTextFile(`${etc}/on-boot`, onBoot, { mode: 0o755 });
    const slot = `${releases}/${version}`;
    await buildImage({ output, slotA: slot, slotB: slot, data, sysroot });
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

/** Where a node that runs {@linkcode updateLoop} serves its metrics. */
export const METRICS_PORT = 9100;

/** Seconds in which a node has to become healthy; the agent for aarch64 needs some to start, emulated. */
const HEALTH_DEADLINE_SECONDS = { x86_64: 10, aarch64: 30 };

/** What the machine is provisioned with. */
function cloudConfig(server: UpdateServer, deadline: number): string {
  return `#cloud-config
hostname: demo
updates:
  ${server.setting ?? "server"}: ${server.address}
  channel: stable
  pubkey: ${server.pubkey}
  health_deadline: ${deadline}
`;
}

/** A health check of the site's own, which says no the first time that it is asked in a boot. */
const SLOW_TO_WARM_UP = `#!/bin/sh
[ -e /run/warm ] && exit 0
touch /run/warm
echo "still cold"
exit 1
`;

/**
 * What a node does once it is up, in the place of a timer: it asks for updates every few seconds,
 * takes what there is, and switches itself off when a gate has refused a release, or when `last` runs.
 */
export function updateLoop({ flags }: UpdateServer, last = "none"): string {
  return `#!/bin/sh
kubesolo-update metrics --listen :${METRICS_PORT} &
while :; do
  kubesolo-update check ${flags}
  case $? in
    0) grep -qx ${last} /etc/kubesolo-os-version && break ;;
    10) kubesolo-update apply ${flags} && kubesolo-update activate --reboot && sleep 600 ;;
    20) break ;;
  esac
  sleep 2
done
status=$(kubesolo-update status --json | tr -d '\\n')
echo "${STATUS_MARK}$status"
poweroff
`;
}
