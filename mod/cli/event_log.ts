/**
 * What is said while a command works: on standard error, one line each, for people, for the journal, or
 * as JSON; a moving bar where that is a terminal.
 *
 * @module
 */

import { cyan, dim, setColorEnabled } from "@std/fmt/colors";
import type { Reporter, UpdateError, UpdateEvent } from "../core/mod.ts";
import { json } from "./json.ts";
import {
  amountOf,
  levelOf,
  LOG_LEVELS,
  type LogLevel,
  percentOf,
  type ProgressEvent,
  subjectOf,
  wordsOf,
} from "./log_line.ts";

/** How lines are written. */
export const LOG_FORMATS = ["text", "json"] as const;

/** What a command line asks of the log. */
export interface LogFlags {
  readonly logFormat?: typeof LOG_FORMATS[number];
  readonly logLevel?: LogLevel;
}

const BAR_CELLS = 24;
const REDRAW_MS = 100;
const PERCENT_PER_LINE = 5;
const BYTES_PER_LINE = 16 << 20;

/** Severities of syslog (RFC 5424, 6.2.1), which the journal reads from `<N>` before a line. */
const SEVERITY: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, info: 6, debug: 7 };

/** Sets colours for a stream: on for a terminal, off otherwise and with NO_COLOR. */
export function chooseColours(terminal: boolean): void {
  setColorEnabled(terminal && !Deno.noColor);
}

/** Writes events to standard error. Every line of an attempt carries the attempt's id. */
export class EventLog implements Reporter {
  readonly #terminal = Deno.stderr.isTerminal();
  readonly #journal = Deno.env.has("JOURNAL_STREAM");
  readonly #encoder = new TextEncoder();
  #command = "";
  #level: LogLevel = "info";
  #json = false;
  #attempt?: string;
  #subject = "";
  #drawn = 0;
  #bar = false;
  #step = -1;

  /** What is said from here on is said of `command`, as `flags` want it. */
  configure(command: string, { logFormat = "text", logLevel = "info" }: LogFlags): void {
    this.#command = command;
    this.#level = logLevel;
    this.#json = logFormat === "json";
  }

  /** Prints one event, where it is important enough. */
  report(event: UpdateEvent): void {
    if (event.kind === "attempt") {
      this.#attempt = event.id;
      return;
    }
    const level = levelOf(event);
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.#level)) return;
    chooseColours(this.#terminal);
    if (event.kind === "progress") {
      if (this.#terminal && !this.#json) return this.#draw(event);
      if (!this.#isNextStep(event)) return;
    } else {
      this.#subject = "";
    }
    const { kind, ...members } = event;
    this.#line(level, wordsOf(event), { event: kind, ...members });
  }

  /** Says why the command failed. */
  fail(
    words: string,
    { code, operation, found, advice, message }: UpdateError,
    exit: number,
  ): void {
    setColorEnabled(false);
    this.#line("error", words, { event: "error", code, exit, operation, found, advice, message });
  }

  /** Ends a bar that is still being drawn. */
  close(): void {
    if (this.#bar) this.#write("\n");
    this.#bar = false;
  }

  #line(level: LogLevel, words: string, members: Readonly<Record<string, unknown>>): void {
    this.close();
    const attempt = this.#attempt;
    if (this.#json) {
      const time = new Date().toISOString();
      const line = { time, level, command: this.#command, attempt, message: words, ...members };
      return this.#write(`${json(line, 0)}\n`);
    }
    const severity = this.#journal && !this.#terminal ? `<${SEVERITY[level]}>` : "";
    // who watches one command on a terminal knows which attempt it is
    const id = attempt && !this.#terminal ? `[${attempt}] ` : "";
    this.#write(`${severity}${id}${words}\n`);
  }

  #draw(event: ProgressEvent): void {
    this.#begin(event);
    const finished = event.done === event.total;
    const now = performance.now();
    if (!finished && now - this.#drawn < REDRAW_MS) return;
    this.#drawn = now;
    const percent = percentOf(event);
    const filled = Math.round((BAR_CELLS * (percent ?? 0)) / 100);
    const cells = cyan("█".repeat(filled)) + dim("░".repeat(BAR_CELLS - filled));
    const amount = dim(amountOf(event));
    this.#write(`\r  ${this.#subject} ${cells} ${percent ?? "?"} % ${amount}\x1b[K`);
    this.#bar = true;
    if (finished) this.close();
  }

  #isNextStep(event: ProgressEvent): boolean {
    this.#begin(event);
    const percent = percentOf(event);
    const step = percent === undefined
      ? Math.floor(event.done / BYTES_PER_LINE)
      : Math.floor(percent / PERCENT_PER_LINE);
    const lastOfAll = event.done === event.total && step * PERCENT_PER_LINE < 100;
    if (step === this.#step && !lastOfAll) return false;
    this.#step = step;
    return true;
  }

  #begin(event: ProgressEvent): void {
    const subject = subjectOf(event);
    if (subject === this.#subject) return;
    this.close();
    this.#subject = subject;
    this.#step = -1;
    this.#drawn = 0;
  }

  #write(text: string): void {
    Deno.stderr.writeSync(this.#encoder.encode(text));
  }
}
