/**
 * Text in columns.
 *
 * @module
 */

const GAP = 2;

/** A cell that is longer pushes its own row aside, not all of them. */
const MAX_WIDTH = 48;

/** Lines with the cells of each row below each other; colours take no width. */
export function columns(
  rows: readonly (readonly string[])[],
  leastWidths: readonly number[] = [],
): string[] {
  // deno-lint-ignore no-control-regex
  const width = (cell: string) => cell.replace(/\x1b\[\d+m/g, "").length;
  const widths = rows[0].map((_, at) =>
    Math.max(leastWidths[at] ?? 0, ...rows.map((row) => Math.min(width(row[at]), MAX_WIDTH)))
  );
  return rows.map((row) =>
    row.map((cell, at) => cell + " ".repeat(Math.max(0, widths[at] - width(cell))))
      .join(" ".repeat(GAP)).trimEnd()
  );
}
