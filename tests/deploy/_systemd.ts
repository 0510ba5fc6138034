/**
 * A real systemd with the units of deploy/systemd and nothing else: process 1 of namespaces of its own,
 * on the disk of a {@linkcode TestNode}. Needs root, and a kernel with cgroup v2.
 *
 * @module
 */

import { ROOT } from "../../tasks/sources.ts";
import type { TestNode } from "../cli/_test_node.ts";
import { withMountLock } from "../mount_lock.ts";
import { bootId, ended, type Ran } from "../sandbox.ts";
import { until } from "../until.ts";

/** Targets of systemd's own that our units name; the rest of what this machine has is not there. */
const TARGETS = [
  ...["sysinit", "basic", "timers", "multi-user", "network-online", "paths"],
  ...["shutdown", "umount", "final", "reboot"],
].map((name) => `${name}.target`);

/**
 * Everything that systemd could change is its own: it says so itself (`container`), and then leaves
 * swaps and loop devices alone when it goes. $1: the agent; $2: what to show as /sys; $3: `bare` for a
 * node on which the agent is not installed, but lies in /root.
 */
const SETUP = `
set -e
awk '$1 ~ "^/dev/loop" { print $2 }' /proc/mounts | while read -r copy; do umount "$copy"; done
mount -t tmpfs tmpfs /run
mkdir -p /run/etc/up /run/etc/work /run/bin/up /run/bin/work /run/boot /run/sys /run/units /run/none /run/own
mount --bind "$2" /run/sys
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/up,workdir=/run/etc/work /etc
mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=/run/bin/up,workdir=/run/bin/work /usr/bin
mount -t tmpfs tmpfs /root
mount -t tmpfs tmpfs /usr/local/bin
if [ "$3" = bare ]; then
  cp "$1" /root/kubesolo-update
else
  touch /usr/bin/kubesolo-update
  mount --bind "$1" /usr/bin/kubesolo-update
fi
mount -t tmpfs tmpfs /var/lib
mkdir -p /etc/kubesolo /var/lib/kubesolo
mount -t proc proc /proc
echo 'ksolo.slot=A ksolo.boot=normal' >/run/boot/cmdline
echo ${bootId(1)} >/run/boot/id
mount --bind /run/boot/cmdline /proc/cmdline
mount --bind /run/boot/id /proc/sys/kernel/random/boot_id
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
touch /run/console
mount --bind /run/console /dev/console
mount --bind /dev/null /dev/kmsg
cp ${TARGETS.map((name) => `/usr/lib/systemd/system/${name}`).join(" ")} /run/units
cp /usr/lib/systemd/system/systemd-reboot.service /run/units
cp ${ROOT}/deploy/systemd/* /run/units
mount --bind /run/units /usr/lib/systemd/system
mount --bind /run/own /etc/systemd/system
mount --bind /run/none /usr/lib/systemd/system-generators
mount --bind /run/none /etc/systemd/system-generators 2>/dev/null || true
for unit in /run/units/kubesolo-update*.service; do
  mkdir "$unit.d"
  # the kernel of a test machine may not say GPT names in /sys
  cat >"$unit.d/test.conf" <<END
[Service]
StandardOutput=append:/run/out
StandardError=append:/run/out
BindReadOnlyPaths=/run/sys:/run/kubesolo-update/host/sys /proc:/run/kubesolo-update/host/proc
END
  if [ "$3" = bare ]; then rm "$unit"; fi
done
if [ "$3" = bare ]; then rm -f /run/units/kubesolo-update.timer /run/units/kubesolo-update-reboot.path; fi
export container=kubesolo-update-test
exec /usr/lib/systemd/systemd --system --unit=basic.target --log-target=console \\
  --default-standard-output=null
`;

/** Longest wait for an end that is to come; it comes within ten seconds. */
const END_LIMIT_MS = 120_000;

/** Makes the namespaces in the cgroup $1. */
const START = `
echo $$ >"$1/cgroup.procs"
shift
exec unshare --mount --propagation private --pid --fork --kill-child --uts --ipc --cgroup sh -c "$@"
`;

/** See the module's description. */
export class Systemd implements AsyncDisposable {
  #unshare: Deno.ChildProcess;
  #cgroup: string;
  #pid = 0;

  private constructor(unshare: Deno.ChildProcess, cgroup: string) {
    this.#unshare = unshare;
    this.#cgroup = cgroup;
  }

  /** Resolves when it takes commands. `bare`: a node on which nobody has installed the agent yet. */
  static async start(node: TestNode, state: "installed" | "bare" = "installed"): Promise<Systemd> {
    const cgroup = await makeCgroup();
    return await withMountLock(async () => {
      const unshare = new Deno.Command("sh", {
        args: [
          "-ec",
          START,
          "sh",
          cgroup,
          SETUP,
          "sh",
          node.sandbox.agent,
          `${node.disk.view}/sys`,
          state,
        ],
        stdin: "null",
      }).spawn();
      const systemd = new Systemd(unshare, cgroup);
      try {
        await until(() => systemd.#isUp());
      } catch (error) {
        await systemd[Symbol.asyncDispose]();
        throw error;
      }
      return systemd;
    });
  }

  /** Runs a program in the node's namespaces. */
  run(...command: readonly string[]): Promise<Ran> {
    const program = new Deno.Command("nsenter", {
      args: ["--target", `${this.#pid}`, "--mount", "--pid", "--cgroup", "--", ...command],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return ended(program);
  }

  /** Runs a shell script there; its standard output. */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.run("sh", "-ec", script);
    if (code !== 0) throw new Error(`${script}: ${code} ${stderr}`);
    return stdout;
  }

  /** Asks systemd for something. */
  systemctl(...args: readonly string[]): Promise<Ran> {
    return this.run("systemctl", ...args);
  }

  /** What units have said since {@linkcode Systemd.start}. */
  said(): Promise<string> {
    return this.sh("cat /run/out");
  }

  /** From now on the kernel says that GRUB started this slot, and why. */
  async boots(slot: "A" | "B", why: "normal" | "trial"): Promise<void> {
    await this.sh(`
      echo 'ksolo.slot=${slot} ksolo.boot=${why}' >/run/boot/cmdline
      echo ${bootId(2)} >/run/boot/id`);
  }

  /** How process 1 ended: by SIGHUP where it rebooted, reboot(2); it is killed where it does not end. */
  async ended(): Promise<Deno.Signal | null> {
    const late = setTimeout(() => this.#unshare.kill("SIGKILL"), END_LIMIT_MS);
    const { signal } = await this.#unshare.status;
    clearTimeout(late);
    return signal;
  }

  async #isUp(): Promise<boolean> {
    const { pid } = this.#unshare;
    this.#pid = Number(await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`));
    return (await this.systemctl("is-active", "basic.target")).code === 0;
  }

  /** Ends it, and with it everything in its namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#unshare.kill("SIGKILL");
    } catch {
      // it has ended by itself
    }
    await this.#unshare.status;
    await until(() => removeCgroup(this.#cgroup).then(() => true));
  }
}

async function makeCgroup(): Promise<string> {
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  const root = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
  if (!root) throw new Error("this needs cgroup v2 mounted somewhere");
  const directory = `${root}/kubesolo-update-test-${crypto.randomUUID()}`;
  await Deno.mkdir(directory);
  return directory;
}

/** Directories are all that can be removed there; a group goes only when it is empty. */
async function removeCgroup(directory: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory) await removeCgroup(`${directory}/${name}`);
  }
  await Deno.remove(directory);
}
