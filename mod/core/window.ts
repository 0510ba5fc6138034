/**
 * Maintenance windows: when a node may be updated, by its own clock and in its own time zone.
 *
 * @module
 */

import { UpdateError } from "./errors.ts";

/** Most windows that one setting may have. */
export const MAX_WINDOWS = 64;

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const DAY_MINUTES = 24 * 60;

/** Days within which the next opening is looked for: a clock change may swallow this week's. */
const HORIZON_DAYS = 15;

const SPAN = /^(?:(\S+) +)?([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/;

/** One span of time, on each of some weekdays. */
export interface WindowSpan {
  /** Weekdays on which it starts, 0 for Sunday. */
  readonly days: readonly number[];
  /** Minute of the day at which it starts. */
  readonly start: number;
  /** Minute of the day at which it is over: of the next day, where that is not after the start. */
  readonly end: number;
}

/** One or more spans; open while any of them is. */
export interface MaintenanceWindow {
  /** As it was written. */
  readonly text: string;
  /** What that means. */
  readonly spans: readonly WindowSpan[];
}

/**
 * Reads `HH:MM-HH:MM`, which may go on past midnight, after weekdays where it is not for all of them;
 * several are separated by semicolons.
 *
 * @throws {UpdateError} `usage` where it is anything else, or has no length.
 *
 * @example
 * ```ts
 * import { isOpen, parseWindow } from "@kubesolo/update/core";
 * import { assertEquals } from "@std/assert";
 *
 * const window = parseWindow("Sat,Sun 22:00-04:00; Mon-Fri 01:00-03:00");
 * // a Monday: Sunday's window is over at four, Monday's own at three
 * assertEquals(isOpen(window, new Date(2026, 0, 19, 3, 30)), true);
 * assertEquals(isOpen(window, new Date(2026, 0, 20, 3, 30)), false);
 * ```
 */
export function parseWindow(text: string): MaintenanceWindow {
  const parts = text.split(";", MAX_WINDOWS + 1).map((part) =>
    part.replace(/^[ \t]+|[ \t]+$/g, "")
  );
  if (parts.length > MAX_WINDOWS) throw refuse(`more than ${MAX_WINDOWS} windows`);
  return { text: parts.join("; "), spans: parts.map(parseSpan) };
}

function parseSpan(text: string): WindowSpan {
  const [, days, ...times] = SPAN.exec(text) ?? [];
  const [startHours, startMinutes, endHours, endMinutes] = times.map(Number);
  const start = startHours * 60 + startMinutes;
  const end = endHours * 60 + endMinutes;
  if (times.length === 0 || end > DAY_MINUTES) throw refuse(`"${text}"`);
  if (start === end) throw refuse(`"${text}", which ends when it starts`);
  return {
    days: days === undefined ? DAYS.map((_, day) => day) : parseDays(days, text),
    start,
    end,
  };
}

/** Weekdays and ranges of them; a range may go over the end of the week. */
function parseDays(list: string, text: string): number[] {
  const days = new Set<number>();
  for (const range of list.split(",")) {
    const ends = range.split("-").map((name) =>
      DAYS.findIndex((day) => day.toLowerCase() === name.toLowerCase())
    );
    const [first, last = first] = ends;
    if (ends.length > 2 || ends.includes(-1)) throw refuse(`"${text}"`);
    for (let day = first;; day = (day + 1) % DAYS.length) {
      days.add(day);
      if (day === last) break;
    }
  }
  return [...days].sort();
}

function refuse(found: string): UpdateError {
  return new UpdateError("usage", {
    operation: "reading the maintenance window",
    found,
    advice: 'write it as HH:MM-HH:MM or "Sat,Sun 22:00-04:00; Mon-Fri 01:00-03:00"',
  });
}

/**
 * Whether a window is open. What goes past midnight belongs to the day on which it starts. Hours are
 * those that a clock on the wall shows: one that is skipped opens nothing, one that comes twice opens
 * twice.
 */
export function isOpen({ spans }: MaintenanceWindow, now: Date): boolean {
  const minute = now.getHours() * 60 + now.getMinutes();
  const today = now.getDay();
  const yesterday = (today + DAYS.length - 1) % DAYS.length;
  return spans.some(({ days, start, end }) =>
    start < end
      ? days.includes(today) && minute >= start && minute < end
      : (days.includes(today) && minute >= start) || (days.includes(yesterday) && minute < end)
  );
}

/** The first minute after `now` in which the window is open; undefined where there is none soon. */
export function nextOpening(window: MaintenanceWindow, now: Date): Date | undefined {
  const at = new Date(now);
  at.setSeconds(0, 0);
  // minute by minute, since that is right also where clocks are changed
  for (let walked = 0; walked < HORIZON_DAYS * DAY_MINUTES; walked++) {
    at.setTime(at.getTime() + 60_000);
    if (isOpen(window, at)) return at;
  }
}

/** A moment by the node's clock, in its time zone: `Thu 2026-01-15 23:30 +01:00`. */
export function localTime(at: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const east = -at.getTimezoneOffset();
  const zone = `${two(Math.floor(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`;
  return `${DAYS[at.getDay()]} ${date} ${two(at.getHours())}:${two(at.getMinutes())} ` +
    `${east < 0 ? "-" : "+"}${zone}`;
}
