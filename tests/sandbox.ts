/**
 * A node's file tree for the compiled agent, in a mount namespace of its own: what it writes to
 * /etc, /run and /var/lib is in memory, and gone with the sandbox. Needs root.
 *
 * @module
 */

import type { LoopDisk } from "./loop_disk.ts";
import { compileAgent } from "../tasks/compile.ts";
import { withMountLock } from "./mount_lock.ts";

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the kernel is to say of the boot. */
export interface BootWords {
  /** The kernel's command line. */
  readonly commandLine: string;
  /** Changes with every boot. */
  readonly id: string;
}

const VIEW = "/run/kubesolo-update/host";

/**
 * What every namespace begins with: the copies of other tests' mounts would keep their disks busy. A
 * test that removes its mount point takes the copy away by itself, so only one that stays is an error.
 */
const DROP_COPIES = `
set -e
copies() { awk '$1 ~ "^/dev/loop" { print $2 }' /proc/mounts; }
copies | while read -r copy; do
  umount "$copy" || ! copies | grep -qFx "$copy"
done
`;

/** The script that makes the namespace: no step of it is seen outside. $1: what to show as /sys. */
const SETUP = `
mount -t tmpfs tmpfs /run
mkdir -p /run/etc/up /run/etc/work /run/boot
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/up,workdir=/run/etc/work /etc
mount -t tmpfs tmpfs /var/lib
mkdir -p /etc/kubesolo /var/lib/kubesolo
mkdir -p ${VIEW}/dev ${VIEW}/proc ${VIEW}/sys
mount --bind /dev ${VIEW}/dev
mount --bind /proc ${VIEW}/proc
mount --bind "$1" ${VIEW}/sys
touch /run/boot/cmdline /run/boot/id
mount --bind /run/boot/cmdline ${VIEW}/proc/cmdline
mount --bind /run/boot/id ${VIEW}/proc/sys/kernel/random/boot_id
echo ready
exec cat
`;

/** One node's file tree. */
export class Sandbox implements AsyncDisposable {
  /** The compiled agent. */
  readonly agent: string;
  #keeper: Deno.ChildProcess;

  private constructor(agent: string, keeper: Deno.ChildProcess) {
    this.agent = agent;
    this.#keeper = keeper;
  }

  /** Resolves when it is there, booted from slot A of `disk`, where one is given. */
  static async create(disk?: LoopDisk): Promise<Sandbox> {
    const agent = await compileAgent(Deno.build.arch);
    const sys = disk ? `${disk.view}/sys` : "/sys";
    const keeper = await makeNamespace(SETUP, sys);
    const sandbox = new Sandbox(agent, keeper);
    await sandbox.boot({ commandLine: "ksolo.slot=A ksolo.boot=normal", id: bootId(1) });
    return sandbox;
  }

  /** A process that sees what the sandbox sees. */
  get pid(): number {
    return this.#keeper.pid;
  }

  /** The arguments of a program that starts another one inside. */
  inside(...command: readonly string[]): [string, string[]] {
    return ["nsenter", [`--mount=/proc/${this.pid}/ns/mnt`, "--", ...command]];
  }

  /** Starts any program inside: nsenter becomes that program, so signals reach it. */
  start(...command: readonly string[]): Deno.ChildProcess {
    const [program, args] = this.inside(...command);
    return new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { RUST_BACKTRACE: "0" },
    }).spawn();
  }

  /** Runs any program inside. */
  run(...command: readonly string[]): Promise<Ran> {
    return ended(this.start(...command));
  }

  /** Runs a shell script inside; its standard output. */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.run("sh", "-ec", script);
    if (code !== 0) throw new Error(`${script}: ${code} ${stderr}`);
    return stdout;
  }

  /** Runs the agent. */
  update(...args: readonly string[]): Promise<Ran> {
    return this.run(this.agent, ...args);
  }

  /** From now on the kernel says that it was booted so. */
  async boot({ commandLine, id }: BootWords): Promise<void> {
    await this.sh(`echo '${commandLine}' >/run/boot/cmdline; echo ${id} >/run/boot/id`);
  }

  /** Ends the namespace, and with it everything that is mounted in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper.stdin.close();
    await this.#keeper.status;
  }
}

/**
 * A process that keeps a mount namespace, once `setup` is through: a script that says `ready` and then
 * runs `cat`; its first step drops what other tests have mounted.
 */
export function makeNamespace(setup: string, ...args: string[]): Promise<Deno.ChildProcess> {
  return withMountLock(() => keep(["sh", "-c", DROP_COPIES + setup, "sh", ...args]));
}

async function keep(shell: readonly string[]): Promise<Deno.ChildProcess> {
  const keeper = new Deno.Command("unshare", {
    args: ["--mount", "--propagation", "private", ...shell],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = keeper.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  if (new TextDecoder().decode(value) !== "ready\n") throw new Error("no mount namespace");
  return keeper;
}

/** What a program did, once it has ended. */
export async function ended(program: Deno.ChildProcess): Promise<Ran> {
  const { code, stdout, stderr } = await program.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** The id of the n-th boot. */
export function bootId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
}
