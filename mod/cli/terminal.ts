/**
 * What a person sees while a command works: on standard error, one line each; a moving bar where that
 * is a terminal.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";
import { bold, cyan, dim, green, red, setColorEnabled, yellow } from "@std/fmt/colors";
import type { Reporter, UpdateEvent } from "../core/mod.ts";

const BAR_CELLS = 24;
const REDRAW_MS = 100;
const PERCENT_PER_LINE = 5;

/** Sets colours for a stream: on for a terminal, off otherwise and with NO_COLOR. */
export function chooseColours(terminal: boolean): void {
  setColorEnabled(terminal && !Deno.noColor);
}

/** Writes events to standard error. */
export class TerminalReporter implements Reporter {
  #terminal = Deno.stderr.isTerminal();
  #encoder = new TextEncoder();
  #drawn = 0;
  #bar = false;
  #percent = -1;
  #current = "";

  /** Prints one event. */
  report(event: UpdateEvent): void {
    chooseColours(this.#terminal);
    if (event.kind === "progress") return this.#progress(event);
    this.#line(describe(event));
  }

  /** Ends a bar that is still being drawn. */
  close(): void {
    if (this.#bar) this.#write("\n");
    this.#bar = false;
  }

  #progress(event: UpdateEvent & { kind: "progress" }): void {
    const { action, artifact, done, total } = event;
    const name = `${action === "fetch" ? "fetching" : "reading back"} ${artifact}`;
    if (name !== this.#current) {
      this.close();
      this.#current = name;
      this.#percent = -1;
      this.#drawn = 0;
    }
    const finished = done === total;
    const percent = total ? Math.floor((100 * done) / total) : undefined;
    const amount = total ? `${size(done)} of ${size(total)}` : size(done);
    if (this.#terminal) {
      const now = performance.now();
      if (!finished && now - this.#drawn < REDRAW_MS) return;
      this.#drawn = now;
      const filled = Math.round((BAR_CELLS * (percent ?? 0)) / 100);
      const cells = cyan("█".repeat(filled)) + dim("░".repeat(BAR_CELLS - filled));
      this.#write(`\r  ${name} ${cells} ${percent ?? "?"} % ${dim(amount)}\x1b[K`);
      this.#bar = true;
      if (finished) this.close();
      return;
    }
    const step = percent === undefined
      ? Math.floor(done / (16 << 20))
      : Math.floor(percent / PERCENT_PER_LINE);
    if (step === this.#percent && !(finished && step * PERCENT_PER_LINE < 100)) return;
    this.#percent = step;
    this.#write(`  ${name} ${percent ?? "?"} % ${amount}\n`);
  }

  #line(text: string): void {
    this.close();
    this.#current = "";
    this.#write(`${text}\n`);
  }

  #write(text: string): void {
    Deno.stderr.writeSync(this.#encoder.encode(text));
  }
}

function describe(event: Exclude<UpdateEvent, { kind: "progress" }>): string {
  switch (event.kind) {
    case "phase":
      return `${dim(event.from)} → ${bold(event.to)}${event.version ? ` ${event.version}` : ""}`;
    case "step":
      return `${event.message} …`;
    case "warning":
      return `${yellow("warning:")} ${event.message}`;
    case "health": {
      const verdict = event.passed ? green("passed") : red("failed");
      const reason = event.reason ? `: ${event.reason}` : "";
      return `health ${event.check} ${verdict} in ${event.milliseconds} ms${reason}`;
    }
  }
}

/** Bytes for people. */
export function size(bytes: number): string {
  return format(bytes, { binary: true, maximumFractionDigits: 1 });
}
