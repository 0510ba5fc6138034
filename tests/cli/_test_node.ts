/**
 * A node for tests of the compiled agent: a real disk on a loop device, a file tree of its own, and an
 * update server.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { parseState, type UpdateState } from "../../mod/core/mod.ts";
import { type FileServer, type Intercept, serveFiles } from "../../tasks/file_server.ts";
import { LoopDisk, type LoopDiskOptions, systemPartitions } from "../loop_disk.ts";
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
  #boots = 1;

  private constructor(disk: LoopDisk, sandbox: Sandbox) {
    this.disk = disk;
    this.sandbox = sandbox;
  }

  /** A node with version 1.0.0 in both slots, running and confirmed in slot A. */
  static async create(options: LoopDiskOptions = {}): Promise<TestNode> {
    const disk = await LoopDisk.create({
      partitions: systemPartitions({ efi: "ext4" }),
      ...options,
    });
    try {
      const node = new TestNode(disk, await Sandbox.create(disk));
      await Deno.mkdir(node.www);
      node.#server = await serveFiles(node.www, (request, response) => {
        const range = request.headers.range;
        node.requests.push(`${request.method} ${request.url}${range ? ` ${range}` : ""}`);
        return node.answer(request, response);
      });
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

  /** Its address. */
  get url(): string {
    return this.#server?.url ?? "";
  }

  /** Runs the agent. */
  update(...args: readonly string[]): Promise<Ran> {
    return this.sandbox.update(...args);
  }

  /** Runs a command that asks the server. */
  ask(command: "check" | "apply", ...more: readonly string[]): Promise<Ran> {
    return this.update(command, "--server", this.url, ...more);
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

  /** Ends server, namespace and loop device. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await this.sandbox[Symbol.asyncDispose]();
    await this.disk[Symbol.asyncDispose]();
  }
}
