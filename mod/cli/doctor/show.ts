/**
 * What the doctor found, for people.
 *
 * @module
 */

import { bold, dim, green, red, yellow } from "@std/fmt/colors";
import { columns } from "../columns.ts";
import type { Level } from "./check.ts";
import type { Examined } from "./run.ts";

const COLOURS: Readonly<Record<Level, (text: string) => string>> = {
  ok: green,
  warning: yellow,
  problem: red,
  skipped: dim,
};

/** A line for each check, what to do below it, and the sum of it all in the last line. */
export function showExamined({ checks, result }: Examined): string {
  const rows = checks.flatMap(({ name, level, found, advice }) => [
    [COLOURS[level](level), name, found],
    ...advice ? [["", "", `→ ${advice}`]] : [],
  ]);
  const count = (level: Level) => checks.filter((check) => check.level === level);
  const names = (level: Level) => count(level).map(({ name }) => name).join(", ");
  const parts = (["problem", "warning"] as const).flatMap((level) => {
    const { length } = count(level);
    if (length === 0) return [];
    return `${length} ${level}${length > 1 ? "s" : ""} (${names(level)})`;
  });
  const sum = parts.length > 0 ? parts.join(", ") : "all is well";
  return [...columns(rows), "", bold(`${COLOURS[result](sum)}; ${checks.length} checks`)].join(
    "\n",
  );
}
