/**
 * The machine's watchdogs: what is armed resets the machine unless it is fed.
 *
 * @module
 */

import { reasonOf, type Reporter } from "../core/mod.ts";

/** Seconds between two signs of life. A watchdog that waits less than twice as long is not for us. */
export const WATCHDOG_FEED_SECONDS = 5;

/** The names of the devices; `watchdog` alone is another name of the first, which is open once only. */
const DEVICE = /^watchdog\d+$/;

/** Any byte is a sign of life, except the one below. */
const ALIVE = new Uint8Array(1);

/** Written last before the device is closed, it stops the watchdog. */
const MAGIC_CLOSE = new TextEncoder().encode("V");

/** What {@linkcode Watchdogs.open} needs to know. */
export interface WatchdogOptions {
  /** Seconds after which they are fed no longer, whatever this program still does. */
  readonly limitSeconds: number;
  /** Hears of watchdogs that cannot be used: that alone makes no node unhealthy. */
  readonly reporter: Reporter;
  /** Seconds between two signs of life; {@linkcode WATCHDOG_FEED_SECONDS} where absent. */
  readonly everySeconds?: number;
}

interface Device {
  readonly name: string;
  readonly file: Deno.FsFile;
}

/**
 * All watchdogs of the machine, fed. Opening a device arms it, every byte written puts the reset off, and
 * closing it leaves it armed unless the last byte was `V` (Linux,
 * Documentation/watchdog/watchdog-api.rst). How long it waits was set by the init: that takes an ioctl,
 * which a program in Deno does not have.
 */
export class Watchdogs implements Disposable {
  #devices: Device[];
  #warn: (message: string) => void;
  #timers: readonly number[];

  private constructor(
    devices: Device[],
    { limitSeconds, everySeconds = WATCHDOG_FEED_SECONDS }: WatchdogOptions,
    warn: (message: string) => void,
  ) {
    this.#devices = devices;
    this.#warn = warn;
    this.#timers = [
      setInterval(() => this.#write(ALIVE), everySeconds * 1000),
      setTimeout(() => {
        this.#starve();
        warn(`no verdict after ${limitSeconds} seconds: fed no longer`);
      }, limitSeconds * 1000),
    ];
    this.#write(ALIVE);
  }

  /**
   * Resolves with the watchdogs in `directory`, armed, and fed from now on. One that another process has
   * is a warning and is left to it; that there is none is a warning too.
   */
  static async open(directory: string, options: WatchdogOptions): Promise<Watchdogs> {
    const warn = (message: string) =>
      options.reporter.report({ kind: "warning", message: `watchdog: ${message}` });
    const devices: Device[] = [];
    try {
      for (const name of await deviceNames(directory)) {
        try {
          devices.push({ name, file: await Deno.open(`${directory}/${name}`, { write: true }) });
        } catch (error) {
          warn(`${name} cannot be opened: ${reasonOf(error)}`);
        }
      }
    } catch (error) {
      warn(reasonOf(error));
    }
    return new Watchdogs(devices, options, warn);
  }

  /** The machine is well: nothing resets it any more, except a watchdog of those that never stop. */
  disarm(): void {
    this.#write(MAGIC_CLOSE);
    this[Symbol.dispose]();
  }

  /** Closes the devices. Without {@linkcode disarm} the machine is reset when their time is over. */
  [Symbol.dispose](): void {
    this.#starve();
    for (const { file } of this.#devices.splice(0)) file.close();
  }

  #starve(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Writes to every device; one that does not take it is told of and closed, which leaves it armed. */
  #write(bytes: Uint8Array): void {
    this.#devices = this.#devices.filter(({ name, file }) => {
      try {
        return file.writeSync(bytes) > 0;
      } catch (error) {
        this.#warn(`${name} cannot be written to: ${reasonOf(error)}`);
        file.close();
        return false;
      }
    });
  }
}

async function deviceNames(directory: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(directory)) if (DEVICE.test(name)) names.push(name);
  if (names.length === 0) throw new Error(`none in ${directory}`);
  return names.sort();
}
