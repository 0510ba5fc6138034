/**
 * A node for tests of the compiled agent: a real disk on a loop device, a file tree of its own, and an
 * update server.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { parseState, type UpdateState } from "../../mod/core/mod.ts";
import { type FileServer, type Intercept, serveFiles } from "../../tasks/file_server.ts";
import { LoopDisk, systemPartitions, type SystemPlan } from "../loop_disk.ts";
import { bootId, type Ran, Sandbox } from "../sandbox.ts";

/** Where the agent keeps its state. */
export const STATE = "/var/lib/kubesolo/update/state.json";

/** What a release for tests is made of. */
export interface TestRelease {
  readonly version: string;
  readonly kernel?: Uint8Array<ArrayBuffer>;
  readonly initramfs?: Uint8Array<ArrayBuffer>;
  /** Members of latest.json that replace the right ones; null leaves one out. */
  readonly changes?: Readonly<Record<string, unknown>>;
}

/** Bytes that compress badly and differ by seed. */
export function bytesOf(seed: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const block = createHash("sha512").update(seed).digest();
  for (let at = 0; at < length; at += block.length) {
    bytes.set(block.subarray(0, length - at), at);
    block[at % block.length] += 1;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** See the module's description. */
export class TestNode implements AsyncDisposable {
  readonly disk: LoopDisk;
  readonly sandbox: Sandbox;
  /** Requests so far: method, path and range. */
  readonly requests: string[] = [];
  /** Takes a request before the files do. */
  answer: Intercept = () => false;
  #server?: FileServer;
  #port = 0;
  #boots = 1;

  private constructor(disk: LoopDisk, sandbox: Sandbox) {
    this.disk = disk;
    this.sandbox = sandbox;
  }

  /** A node with version 1.0.0 in both slots, running and confirmed in slot A. */
  static async create(plan: SystemPlan = {}): Promise<TestNode> {
    const partitions = systemPartitions({ efi: "ext4", ...plan });
    const disk = await LoopDisk.create({ partitions });
    try {
      const node = new TestNode(disk, await Sandbox.create(disk));
      await Deno.mkdir(node.www);
      await node.startServer();
      for (const slot of ["A", "B"] as const) {
        if (disk.partitions.some(({ label }) => label === `KSOLO${slot}`)) {
          await node.fill(slot, "1.0.0");
        }
      }
      await node.setGrubenv("A", 3, 1);
      return node;
    } catch (error) {
      await disk[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The directory that the server serves. */
  get www(): string {
    return `${this.disk.directory}/www`;
  }

  /** Its address, also while it is stopped. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The server listens, on the same port each time. */
  async startServer(): Promise<void> {
    const note: Intercept = (request, response) => {
      const range = request.headers.range;
      this.requests.push(`${request.method} ${request.url}${range ? ` ${range}` : ""}`);
      return this.answer(request, response);
    };
    this.#server = await serveFiles(this.www, note, this.#port);
    this.#port = this.#server.port;
  }

  /** Nothing listens there any more, and what was being sent is broken off. */
  async stopServer(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  /** Runs the agent. */
  update(...args: readonly string[]): Promise<Ran> {
    return this.sandbox.update(...args);
  }

  /** Runs a command that asks the server. */
  ask(command: "check" | "apply", ...more: readonly string[]): Promise<Ran> {
    return this.update(command, "--server", this.url, ...more);
  }

  /** Starts a command that asks the server, and does not wait for it. */
  start(command: "check" | "apply", ...more: readonly string[]): Deno.ChildProcess {
    return this.sandbox.start(this.sandbox.agent, command, "--server", this.url, ...more);
  }

  /** Makes a release the newest one. */
  async publish({ version, kernel, initramfs, changes = {} }: TestRelease): Promise<void> {
    const vmlinuz = kernel ?? bytesOf(`kernel ${version}`, 300_000);
    const initrd = initramfs ?? bytesOf(`initramfs ${version}`, 2_000_000);
    await Deno.writeFile(`${this.www}/vmlinuz-${version}`, vmlinuz);
    await Deno.writeFile(`${this.www}/kubesolo-os-${version}.gz`, initrd);
    const latest = {
      version,
      channel: "stable",
      architecture: "x86_64",
      vmlinuz_url: `vmlinuz-${version}`,
      vmlinuz_sha256: sha256(vmlinuz),
      vmlinuz_size: vmlinuz.length,
      initramfs_url: `kubesolo-os-${version}.gz`,
      initramfs_sha256: sha256(initrd),
      initramfs_size: initrd.length,
      ...changes,
    };
    const members = Object.entries(latest).filter(([, value]) => value !== null);
    await Deno.writeTextFile(
      `${this.www}/latest.json`,
      JSON.stringify(Object.fromEntries(members)),
    );
  }

  /** Puts a complete system into a slot, as the factory does. */
  async fill(slot: "A" | "B", version: string): Promise<void> {
    await this.disk.mounted(`KSOLO${slot}`, async (directory) => {
      const files = {
        "vmlinuz": bytesOf(`kernel ${version}`, 300_000),
        "kubesolo-os.gz": bytesOf(`initramfs ${version}`, 2_000_000),
      };
      let sums = "";
      for (const [name, bytes] of Object.entries(files)) {
        await Deno.writeFile(`${directory}/${name}`, bytes);
        sums += `${sha256(bytes)}  ${name}\n`;
      }
      await Deno.writeTextFile(`${directory}/version`, `${version}\n`);
      await Deno.writeTextFile(`${directory}/SHA256SUMS`, sums);
    });
  }

  /** What GRUB would find in a slot: its version where every byte is right, else why not. */
  async slot(slot: "A" | "B"): Promise<string> {
    return await this.disk.mounted(`KSOLO${slot}`, async (directory) => {
      const { success } = await new Deno.Command("sha256sum", {
        args: ["--check", "--strict", "--status", "SHA256SUMS"],
        cwd: directory,
        stderr: "null",
      }).output();
      return success ? (await Deno.readTextFile(`${directory}/version`)).trim() : "not bootable";
    }, "ro");
  }

  /** Writes both copies of the boot environment. */
  async setGrubenv(active: string, counter: number, success: number): Promise<void> {
    const block = "# GRUB Environment Block\n" +
      `active_slot=${active}\nboot_counter=${counter}\nboot_success=${success}\n`;
    await this.esp(async (grub) => {
      for (const name of ["grubenv", "grubenv.bak"]) {
        await Deno.writeTextFile(`${grub}/${name}`, block.padEnd(1024, "#"));
      }
    });
  }

  /** Runs `body` with GRUB's directory on the ESP. */
  async esp<T>(body: (directory: string) => Promise<T>, options?: string): Promise<T> {
    return await this.disk.mounted("KSOLOEFI", async (directory) => {
      await Deno.mkdir(`${directory}/grub`, { recursive: true }).catch(() => {});
      return await body(`${directory}/grub`);
    }, options);
  }

  /** Both copies as `slot/counter/success`. */
  async grubenv(): Promise<readonly string[]> {
    return await this.esp(async (grub) => {
      const texts = await Promise.all(
        ["grubenv", "grubenv.bak"].map((name) => Deno.readTextFile(`${grub}/${name}`)),
      );
      return texts.map((text) =>
        ["active_slot", "boot_counter", "boot_success"].map((name) =>
          new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1]
        ).join("/")
      );
    }, "ro");
  }

  /** The next boot, as GRUB says it. */
  async boots(slot: "A" | "B", why: string): Promise<void> {
    this.#boots++;
    const commandLine = `quiet ksolo.slot=${slot} ksolo.boot=${why} ksolo.env=grubenv`;
    await this.sandbox.boot({ commandLine, id: bootId(this.#boots) });
  }

  /** The state file. */
  async state(): Promise<UpdateState> {
    return parseState(await this.sandbox.sh(`cat ${STATE}`));
  }

  /** Puts a file into the node's tree. */
  async put(path: string, contents: string | Uint8Array): Promise<void> {
    const outside = `${this.disk.directory}/put`;
    const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
    await Deno.writeFile(outside, bytes);
    await this.sandbox.sh(`mkdir -p "$(dirname '${path}')"; cp '${outside}' '${path}'`);
  }

  /** Where partitions of the disk are mounted, as the node sees it. */
  mounts(): Promise<string[]> {
    return this.disk.mountPoints(this.sandbox.pid);
  }

  /** Ends server, namespace and loop device. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopServer();
    await this.sandbox[Symbol.asyncDispose]();
    await this.disk[Symbol.asyncDispose]();
  }
}
