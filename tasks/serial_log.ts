/**
 * What a guest prints on its serial line: lines with their times, and waiting for one of them.
 *
 * @module
 */

import { stripAnsiCode } from "@std/fmt/colors";

/** One line that the guest printed. */
export interface SerialLine {
  /** Seconds since the machine was switched on. */
  readonly seconds: number;
  /** The line, without colours and cursor movements. */
  readonly text: string;
}

/** Lines that an error shows of what came last. */
const LINES_IN_ERROR = 30;

/** Sequences that move the cursor or switch character sets: GRUB and OVMF draw with them. */
// deno-lint-ignore no-control-regex
const TERMINAL_SEQUENCES = /\x1b(\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|c)|[\x00-\x08\x0e-\x1f]/g;

/** How to wait for a line. */
export interface WaitOptions {
  /** Seconds after which to give up. */
  readonly limitSeconds: number;
  /** Look at all lines since power-on, not only at those behind the last one that was waited for. */
  readonly fromStart?: boolean;
  /** Also look at a line that is not finished, such as a prompt. */
  readonly unfinished?: boolean;
}

interface Waiter {
  readonly look: () => void;
  readonly fail: (reason: string) => void;
}

/** Lines as they come, and who waits for which. */
export class SerialLog {
  /** All finished lines, without empty ones. */
  readonly lines: SerialLine[] = [];
  #switchedOn = performance.now();
  #decoder = new TextDecoder();
  #rest = "";
  #behind = 0;
  #ended?: string;
  #waiters = new Set<Waiter>();
  #onLine: (line: SerialLine) => void;

  /** `onLine` is called for every line, as soon as it is finished. */
  constructor(onLine: (line: SerialLine) => void = () => {}) {
    this.#onLine = onLine;
  }

  /** Seconds since power-on. */
  get seconds(): number {
    return (performance.now() - this.#switchedOn) / 1000;
  }

  /** Takes bytes from the serial line. */
  add(bytes: Uint8Array): void {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/[\r\n]/);
    this.#rest = parts.pop() as string;
    for (const part of parts) this.#addLine(part);
    for (const waiter of [...this.#waiters]) waiter.look();
  }

  /** Nothing more will come: everybody who still waits is told `reason`. */
  end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#addLine(this.#rest);
    this.#rest = "";
    this.#ended = reason;
    for (const waiter of [...this.#waiters]) waiter.look();
    for (const waiter of [...this.#waiters]) waiter.fail(reason);
  }

  /**
   * The first line that matches, behind the one that was waited for last.
   * @throws {Error} with the last lines, where the guest ends or the limit passes without it.
   */
  waitFor(pattern: RegExp, options: WaitOptions): Promise<SerialLine> {
    const matcher = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ""));
    let next = options.fromStart ? 0 : this.#behind;
    return new Promise((resolve, reject) => {
      const done = (line?: SerialLine) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        if (line) resolve(line);
      };
      const waiter: Waiter = {
        look: () => {
          for (; next < this.lines.length; next++) {
            if (!matcher.test(this.lines[next].text)) continue;
            this.#behind = Math.max(this.#behind, next + 1);
            return done(this.lines[next]);
          }
          const text = plain(this.#rest);
          if (options.unfinished && matcher.test(text)) done({ seconds: this.seconds, text });
        },
        fail: (reason) => {
          done();
          reject(new Error(`waiting for ${pattern}: ${reason}; the last lines:\n${this.tail()}`));
        },
      };
      const timer = setTimeout(
        () => waiter.fail(`nothing for ${options.limitSeconds} seconds`),
        options.limitSeconds * 1000,
      );
      this.#waiters.add(waiter);
      waiter.look();
      if (this.#ended !== undefined && this.#waiters.has(waiter)) waiter.fail(this.#ended);
    });
  }

  /** The last lines with their times, for errors. */
  tail(): string {
    const shown = [...this.lines.slice(-LINES_IN_ERROR)];
    if (plain(this.#rest)) shown.push({ seconds: this.seconds, text: plain(this.#rest) });
    return shown.map(({ seconds, text }) => `${seconds.toFixed(2).padStart(8)}  ${text}`).join(
      "\n",
    );
  }

  #addLine(raw: string): void {
    const text = plain(raw);
    if (!text) return;
    const line = { seconds: this.seconds, text };
    this.lines.push(line);
    try {
      this.#onLine(line);
    } catch {
      // a closed terminal must not stop the machine
    }
  }
}

function plain(raw: string): string {
  return stripAnsiCode(raw.replaceAll(TERMINAL_SEQUENCES, "")).trim();
}
