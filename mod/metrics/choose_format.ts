/**
 * Content negotiation: which of the two formats a scraper wants.
 *
 * @module
 */

import { OPEN_METRICS_TEXT, PROMETHEUS_TEXT, type TextFormat } from "./text_format.ts";

/** Most ranges of an `Accept` field that are looked at. */
export const MAX_RANGES = 32;

/** From the one that is given where a scraper does not care. */
const FORMATS: readonly TextFormat[] = [PROMETHEUS_TEXT, OPEN_METRICS_TEXT];

interface Range {
  readonly mediaType: string;
  readonly version?: string;
  readonly quality: number;
}

/**
 * The format that an `Accept` field prefers: RFC 9110, section 12.5.1, where the most specific range
 * that fits a format decides. Prometheus's own where it prefers none, or takes none of them: a scrape
 * that can be read by a person is better than none.
 *
 * @example
 * ```ts
 * import { chooseFormat } from "@kubesolo/update/metrics";
 * import { assertEquals } from "@std/assert";
 *
 * const accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
 * assertEquals(chooseFormat(accept).version, "1.0.0");
 * assertEquals(chooseFormat("text/html, *" + "/*;q=0.8").version, "0.0.4");
 * ```
 */
export function chooseFormat(accept: string | null): TextFormat {
  const ranges = (accept ?? "*/*").split(",", MAX_RANGES).map(parseRange);
  let [best, highest]: [TextFormat, number] = [PROMETHEUS_TEXT, 0];
  for (const format of FORMATS) {
    const quality = qualityOf(format, ranges);
    if (quality > highest) [best, highest] = [format, quality];
  }
  return best;
}

function parseRange(text: string): Range {
  const [mediaType, ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const values = new Map(parameters.map((parameter) => {
    const [name, value = ""] = parameter.split("=", 2).map((part) => part.trim());
    return [name, value.replace(/^"(.*)"$/, "$1")];
  }));
  const q = values.get("q");
  // a weight that is none is no reason to refuse: RFC 9110 lets a server ignore the field
  const quality = q === undefined ? 1 : /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 0;
  return { mediaType, version: values.get("version"), quality };
}

function qualityOf({ mediaType, version }: TextFormat, ranges: readonly Range[]): number {
  let [quality, closest] = [0, 0];
  for (const range of ranges) {
    const closeness = range.mediaType === mediaType
      ? range.version === undefined ? 3 : range.version === version ? 4 : 0
      : range.mediaType === `${mediaType.split("/")[0]}/*`
      ? 2
      : range.mediaType === "*/*"
      ? 1
      : 0;
    if (closeness > closest) [quality, closest] = [range.quality, closeness];
  }
  return quality;
}
