/**
 * The two text formats that Prometheus reads.
 *
 * @module
 */

import { checkFamilies, type Family, stemOf } from "./family.ts";

/** One way to write families down. */
export interface TextFormat {
  /** Media type without parameters. */
  readonly mediaType: string;
  /** Its `version` parameter. */
  readonly version: string;
  /** The text; a family without series is left out. */
  write(families: readonly Family[]): string;
}

/** Prometheus's own text format, version 0.0.4. */
export const PROMETHEUS_TEXT: TextFormat = {
  mediaType: "text/plain",
  version: "0.0.4",
  write(families) {
    checkFamilies(families);
    return families.filter(hasSamples).map((family) => {
      const { name, help, type } = family;
      // an info is a gauge here: the type came with OpenMetrics
      return `# HELP ${name} ${escapeHelp(help)}\n` +
        `# TYPE ${name} ${type === "counter" ? "counter" : "gauge"}\n` + seriesOf(family);
    }).join("");
  },
};

/**
 * OpenMetrics 1.0: a family is called by its stem, quotes in its help are escaped too, the unit has a
 * line, and the text ends in `# EOF`.
 */
export const OPEN_METRICS_TEXT: TextFormat = {
  mediaType: "application/openmetrics-text",
  version: "1.0.0",
  write(families) {
    checkFamilies(families);
    const texts = families.filter(hasSamples).map((family) => {
      const name = stemOf(family);
      return `# TYPE ${name} ${family.type}\n` +
        (family.unit ? `# UNIT ${name} ${family.unit}\n` : "") +
        `# HELP ${name} ${escapeValue(family.help)}\n` + seriesOf(family);
    });
    return `${texts.join("")}# EOF\n`;
  },
};

/** The value of `Content-Type` for a text in `format`. */
export function contentTypeOf({ mediaType, version }: TextFormat): string {
  return `${mediaType}; version=${version}; charset=utf-8`;
}

function hasSamples({ samples }: Family): boolean {
  return samples.length > 0;
}

function seriesOf({ name, samples }: Family): string {
  return samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(text)}"`);
    return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${formatValue(value)}\n`;
  }).join("");
}

function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
