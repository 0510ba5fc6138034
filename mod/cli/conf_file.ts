/**
 * `update.conf`: lines of `key=value`.
 *
 * @module
 */

import type { Disk, UpdateError } from "../core/mod.ts";
import { readSmallText } from "./small_text.ts";

/** Where the file is. */
export const DEFAULT_CONF = "/etc/kubesolo/update.conf";

/** Most bytes of update.conf that are read. */
const MAX_CONF_BYTES = 64 << 10;

/** One line that says something. */
export interface ConfLine {
  /** Its number, from 1. */
  readonly line: number;
  /** What is before the `=`; undefined where the line is no `key=value`. */
  readonly key?: string;
  /** What is after it, without quotes round all of it; where there is no key, the line. */
  readonly value: string;
}

/** The lines of an update.conf that are neither empty nor comments (`#`). */
export function parseConf(text: string): readonly ConfLine[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  return lines.flatMap((whole, index): ConfLine[] => {
    const line = index + 1;
    const said = whole.trim();
    if (said === "" || said.startsWith("#")) return [];
    const equals = said.indexOf("=");
    const key = said.slice(0, equals).trimEnd();
    if (equals < 0 || !/^\w+$/.test(key)) return [{ line, value: said }];
    return [{ line, key, value: unquoted(said.slice(equals + 1).trimStart()) }];
  });
}

/**
 * The text of an update.conf; undefined where there is none.
 *
 * @param wanted Whether there has to be one.
 * @throws {UpdateError} `usage` where it is too long or cannot be read.
 */
export async function readConf(
  disk: Disk,
  path: string,
  wanted = false,
): Promise<string | undefined> {
  const advice = "write key=value lines there, or name another file with --conf";
  try {
    return await readSmallText(disk, path, MAX_CONF_BYTES, advice);
  } catch (error) {
    const { cause } = error as UpdateError;
    if (cause instanceof Deno.errors.NotFound && !wanted) return undefined;
    throw error;
  }
}

/** A line that reads back as this, whatever quotes belong to the value. */
export function confLine(key: string, value: string): string {
  return `${key}=${/^(["']).*\1$/.test(value) ? `"${value}"` : value}`;
}

/** Whether a text reads back as these keys with these values, and no others. */
export function saysJust(text: string, pairs: readonly (readonly [string, string])[]): boolean {
  const read = parseConf(text).map(({ key, value }) => [key, value]);
  return JSON.stringify(read) === JSON.stringify(pairs);
}

function unquoted(value: string): string {
  const [quote] = value;
  const whole = value.length > 1 && (quote === '"' || quote === "'") && value.endsWith(quote);
  return whole ? value.slice(1, -1) : value;
}
