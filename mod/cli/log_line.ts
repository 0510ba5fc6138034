/**
 * Events as lines of a log: how important each is, and what it says.
 *
 * @module
 */

import { bold, dim, green, red, yellow } from "@std/fmt/colors";
import { format } from "@std/fmt/bytes";
import type { UpdateEvent } from "../core/mod.ts";

/** How much is printed, from least to most. */
export const LOG_LEVELS = ["error", "warning", "info", "debug"] as const;

/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** An event that is a line of its own. */
export type LineEvent = Exclude<UpdateEvent, { kind: "attempt" }>;

/** How important an event is. */
export function levelOf(event: LineEvent): LogLevel {
  switch (event.kind) {
    case "warning":
      return "warning";
    case "health":
      return event.passed ? "info" : "warning";
    case "detail":
      return "debug";
    default:
      return "info";
  }
}

/** What an event says to people. */
export function wordsOf(event: LineEvent): string {
  switch (event.kind) {
    case "phase":
      return `${dim(event.from)} → ${bold(event.to)}${event.version ? ` ${event.version}` : ""}`;
    case "step":
      return `${event.message} …`;
    case "warning":
      return `${yellow("warning:")} ${event.message}`;
    case "detail":
      return dim(event.message);
    case "progress":
      return `  ${subjectOf(event)} ${percentOf(event) ?? "?"} % ${amountOf(event)}`;
    case "health": {
      const verdict = event.passed ? green("passed") : red("failed");
      const reason = event.reason ? `: ${event.reason}` : "";
      return `health ${event.check} ${verdict} in ${event.milliseconds} ms${reason}`;
    }
  }
}

/** What is moved. */
export function subjectOf({ action, artifact }: ProgressEvent): string {
  return `${action === "fetch" ? "fetching" : "reading back"} ${artifact}`;
}

/** How much of it, where that is known. */
export function percentOf({ done, total }: ProgressEvent): number | undefined {
  return total ? Math.floor((100 * done) / total) : undefined;
}

/** How many bytes of how many. */
export function amountOf({ done, total }: ProgressEvent): string {
  return total ? `${size(done)} of ${size(total)}` : size(done);
}

/** Progress. */
export type ProgressEvent = UpdateEvent & { kind: "progress" };

/** Bytes for people. */
export function size(bytes: number): string {
  return format(bytes, { binary: true, maximumFractionDigits: 1 });
}
