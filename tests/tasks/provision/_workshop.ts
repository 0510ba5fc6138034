/**
 * A laptop at which nodes are provisioned: disks made up in /sys, real loop devices behind them in /dev,
 * no network. What a test mounts there nobody else sees. Needs root.
 *
 * @module
 */

import { dirname } from "@std/path";
import { compileProgram } from "../../../tasks/compile.ts";
import { run as runHere } from "../../loop_disk.ts";
import { Machine, type MadeDisk } from "../../provision/_machine.ts";
import { ended, makeNamespace, type Ran } from "../../sandbox.ts";
import { smallImage } from "../_small_image.ts";

const MIB = 1 << 20;

/** $1: what to show as /sys; then the name and the numbers of each device. */
const SETUP = `
sys=$1; shift
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/dev/pts /run/dev/shm
for device in null zero random urandom tty; do cp -a /dev/$device /run/dev; done
ln -s pts/ptmx /run/dev/ptmx
ln -s /proc/self/fd /run/dev/fd
mount --bind /dev/pts /run/dev/pts
while [ $# -gt 0 ]; do mknod /run/dev/$1 b $2 $3; shift 3; done
mount --bind "$sys" /sys
mount --rbind /run/dev /dev
echo ready
exec cat
`;

/** A stick that is plugged in. */
export interface PluggedIn extends Omit<MadeDisk, "numbers" | "bytes" | "opens"> {
  readonly mebibytes: number;
}

/** The laptop; its tool is the compiled one, with its own permissions. */
export class Workshop implements AsyncDisposable {
  /** The directory that the tool is started in: `os.img`, and what a test puts there. */
  readonly directory: string;
  /** The loop device behind each disk, by the name that it has there. */
  readonly loops: Readonly<Record<string, string>>;
  readonly #machine: Machine;
  readonly #keeper: Deno.ChildProcess;
  readonly #tool: string;

  private constructor(
    place: { directory: string; loops: Record<string, string> },
    machine: Machine,
    keeper: Deno.ChildProcess,
    tool: string,
  ) {
    this.directory = place.directory;
    this.loops = place.loops;
    this.#machine = machine;
    this.#keeper = keeper;
    this.#tool = tool;
  }

  /** Resolves when these are plugged in; they are full of what was on them before. */
  static async create(disks: readonly PluggedIn[]): Promise<Workshop> {
    const tool = await compileProgram("provision", Deno.build.arch);
    const directory = await Deno.makeTempDir({ prefix: "workshop-" });
    const loops: Record<string, string> = {};
    await smallImage(`${directory}/made`);
    await Deno.rename(`${directory}/made/disk.img`, `${directory}/os.img`);
    const made: MadeDisk[] = [];
    const devices: string[] = [];
    for (const { mebibytes, ...disk } of disks) {
      const backing = `${directory}/${disk.name}.backing`;
      await Deno.writeFile(backing, new Uint8Array(mebibytes * MIB).fill(0xa5));
      const loop = (await runHere("losetup", "--find", "--show", backing)).trim();
      loops[disk.name] = loop;
      const numbers = (await Deno.readTextFile(`/sys/class/block/${loop.slice(5)}/dev`)).trim();
      devices.push(disk.name, ...numbers.split(":"));
      made.push({ ...disk, numbers, bytes: mebibytes * MIB });
    }
    const machine = await Machine.create(made);
    const keeper = await makeNamespace(SETUP, `${machine.view}/sys`, ...devices);
    return new Workshop({ directory, loops }, machine, keeper, tool);
  }

  /** Runs the tool as root, with an empty environment and without a network. */
  async provision(...args: readonly string[]): Promise<Ran> {
    return await ended(this.startTool(...args));
  }

  /** Starts it in the same way: signals reach it. */
  startTool(...args: readonly string[]): Deno.ChildProcess {
    return this.start(["env", "-i", this.#tool, ...args]);
  }

  /** Runs the tool as nobody. */
  async provisionAsNobody(directory: string, ...args: readonly string[]): Promise<Ran> {
    const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    const command = ["setpriv", ...nobody, "env", "-i", this.#tool, ...args];
    return await ended(this.start(command, directory));
  }

  /** Runs the tool at a terminal where somebody types `typed` when asked. */
  async provisionAtTerminal(typed: string, ...args: readonly string[]): Promise<Ran> {
    const child = this.startAtTerminal(...args);
    const stderr = new Response(child.stderr).text();
    const writer = child.stdin.getWriter();
    const decoder = new TextDecoder();
    let stdout = "";
    let asked = false;
    for await (const bytes of child.stdout) {
      stdout += decoder.decode(bytes, { stream: true });
      if (asked || !stdout.includes("Type yes")) continue;
      asked = true;
      await writer.write(new TextEncoder().encode(typed));
    }
    const { code } = await child.status;
    await writer.close().catch(() => {});
    return { code, stdout, stderr: await stderr };
  }

  /** Starts the tool at a terminal, which closes when the process is killed. */
  startAtTerminal(...args: readonly string[]): Deno.ChildProcess {
    // in the shell's place: dash, where it stays, dies of a Ctrl-C that the tool answers
    const line = ["exec", this.#tool, ...args].join(" ");
    return this.start(["script", "-qec", line, "/dev/null"], this.directory, "piped");
  }

  /** Runs a shell script there. */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await ended(this.start(["sh", "-ec", script]));
    if (code !== 0) throw new Error(`${script}: ${code} ${stderr}`);
    return stdout;
  }

  /** Starts a program there. */
  start(
    command: readonly string[],
    directory: string = this.directory,
    stdin: "null" | "piped" = "null",
  ): Deno.ChildProcess {
    const mounts = `--mount=/proc/${this.#keeper.pid}/ns/mnt`;
    const where = ["unshare", "--net", "env", "-C", directory];
    return new Deno.Command("nsenter", {
      args: [mounts, "--", ...where, ...command],
      env: { RUST_BACKTRACE: "0" },
      stdin,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Writes a file into the directory that the tool is started in. */
  async write(name: string, text: string): Promise<void> {
    await Deno.mkdir(dirname(`${this.directory}/${name}`), { recursive: true });
    await Deno.writeTextFile(`${this.directory}/${name}`, text);
  }

  /** Unplugs everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper.stdin.close();
    await this.#keeper.status;
    for (const loop of Object.values(this.loops)) await runHere("losetup", "-d", loop);
    await this.#machine[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true });
  }
}
