/**
 * A machine in QEMU: its serial line to read and write, its power to cut.
 *
 * @module
 */

import { close, end, type Qemu, type QemuOptions, startQemu } from "./qemu.ts";
import { type SerialLine, SerialLog, type WaitOptions } from "./serial_log.ts";

export { HOST_ADDRESS } from "./qemu.ts";
export type { SerialLine, WaitOptions } from "./serial_log.ts";

/** Most bytes of the serial line that are taken at once. */
const SERIAL_BUFFER_BYTES = 64 << 10;

/** What a machine is made of. */
export interface VmOptions extends QemuOptions {
  /** Called for every line on the serial line; what it throws is dropped. */
  readonly onLine?: (line: SerialLine) => void;
}

/** How a machine ended. */
export interface VmExit {
  /** By itself (`reset` only with `noReboot`), by {@linkcode Vm.kill}, or because QEMU failed. */
  readonly reason: "shutdown" | "reset" | "killed" | "failed";
  /** Seconds since power-on. */
  readonly seconds: number;
  /** What QEMU printed, where it did. */
  readonly message: string;
}

/**
 * One machine, from power-on to its end.
 *
 * ```ts ignore
 * await using vm = await Vm.start({ disk: "dist/kubesolo-os.img" });
 * await vm.waitFor(/KSOLO-GRUB boot slot=A/, { limitSeconds: 100 });
 * await vm.kill();
 * ```
 */
export class Vm implements AsyncDisposable {
  /** Resolves when QEMU is gone and all that it printed was read. It never rejects. */
  readonly exited: Promise<VmExit>;
  #qemu: Qemu;
  #log: SerialLog;
  #killed = false;
  #gone = false;
  #writing: Promise<void> = Promise.resolve();
  readonly #cutAtUnload = () => this.#signal();

  private constructor(qemu: Qemu, log: SerialLog) {
    this.#qemu = qemu;
    this.#log = log;
    globalThis.addEventListener("unload", this.#cutAtUnload);
    this.exited = this.#run();
  }

  /**
   * Resolves when the machine is switched on.
   * @throws {Error} with QEMU's words where it does not start.
   */
  static async start(options: VmOptions): Promise<Vm> {
    const log = new SerialLog(options.onLine);
    return new Vm(await startQemu(options), log);
  }

  /** All lines so far. */
  get lines(): readonly SerialLine[] {
    return this.#log.lines;
  }

  /** Seconds since power-on. */
  get seconds(): number {
    return this.#log.seconds;
  }

  /** The process id of QEMU. */
  get pid(): number {
    return this.#qemu.child.pid;
  }

  /**
   * The first line that matches, behind the one that was waited for last.
   * @throws {Error} with the last 30 lines, where the guest ends or the limit passes without it.
   */
  waitFor(pattern: RegExp, options: WaitOptions): Promise<SerialLine> {
    return this.#log.waitFor(pattern, options);
  }

  /** Types `text` on the serial line. */
  send(text: string): Promise<void> {
    let bytes = new TextEncoder().encode(text);
    this.#writing = this.#writing.then(async () => {
      while (bytes.length) bytes = bytes.subarray(await this.#qemu.serial.write(bytes));
    });
    return this.#writing;
  }

  /** Runs a command of QEMU's machine protocol: `send-key`, `set_link`, … */
  command(name: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.#qemu.qmp.run(name, args);
  }

  /** Cuts the power: what the guest has not written is lost. Resolves when the machine is gone. */
  async kill(): Promise<void> {
    if (!this.#gone) this.#killed = true;
    this.#signal();
    await this.exited;
  }

  /** Cuts the power if it is still on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #signal(): void {
    if (!this.#gone) end(this.#qemu.child);
  }

  async #run(): Promise<VmExit> {
    await Promise.all([this.#read(), this.#qemu.child.status.then(() => this.#gone = true)]);
    await this.#qemu.qmp.closed;
    globalThis.removeEventListener("unload", this.#cutAtUnload);
    close(this.#qemu.serial);
    await Deno.remove(this.#qemu.directory, { recursive: true }).catch(() => {});
    const exit = {
      reason: this.#reason(),
      seconds: this.seconds,
      message: await this.#qemu.message,
    };
    this.#log.end(`the machine ended (${exit.reason})${exit.message && `: ${exit.message}`}`);
    return exit;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(SERIAL_BUFFER_BYTES);
    while (true) {
      // a killed QEMU resets the connection
      const length = await this.#qemu.serial.read(buffer).catch(() => null);
      if (length === null) return;
      this.#log.add(buffer.subarray(0, length));
    }
  }

  #reason(): VmExit["reason"] {
    const { shutdown } = this.#qemu.events;
    if (shutdown === "guest-reset") return "reset";
    if (shutdown === "guest-shutdown") return "shutdown";
    return this.#killed ? "killed" : "failed";
  }
}
