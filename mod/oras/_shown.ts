/**
 * Text from outside, as it may be shown.
 *
 * @module
 */

// C0, DEL, C1, and what turns the direction of writing round or has no width
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;

/** Most characters that are shown where the caller names no limit. */
const MAX_SHOWN = 200;

/** `text` on one line, without what drives a terminal, cut off after `limit` characters. */
export function shown(text: string, limit = MAX_SHOWN): string {
  // cut off twice, so that a text of megabytes is not searched in full
  const line = text.slice(0, 4 * limit).replaceAll(CONTROL, " ").trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
