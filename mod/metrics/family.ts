/**
 * Metric families: what is measured, and its series.
 *
 * @module
 */

/** What kind of number it is. An `info` is always 1; what it says is in its labels. */
export type MetricType = "gauge" | "counter" | "info";

/** One series. */
export interface Sample {
  /** Names and values. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The number. */
  readonly value: number;
}

/** One metric and all its series. */
export interface Family {
  /** As Prometheus shows it: a counter's ends in `_total`, an info's in `_info`. */
  readonly name: string;
  /** What kind of number it is. */
  readonly type: MetricType;
  /** What it means, in one sentence. */
  readonly help: string;
  /** The unit, where it has one: the end of the name, before `_total`. */
  readonly unit?: "bytes" | "seconds";
  /** Its series; none where nothing is known. */
  readonly samples: readonly Sample[];
}

const SUFFIX: Readonly<Record<MetricType, string>> = {
  gauge: "",
  counter: "_total",
  info: "_info",
};

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The name without the suffix that its type brings: what OpenMetrics 1.0 calls the family. */
export function stemOf({ name, type }: Family): string {
  return name.slice(0, name.length - SUFFIX[type].length);
}

/**
 * Returns where both formats can say `families`.
 *
 * @throws {Error} naming what is wrong: a name that is none, one that does not fit its type or unit,
 * two families or two series that are the same. Each is a defect of the agent.
 */
export function checkFamilies(families: readonly Family[]): void {
  const names = new Set<string>();
  for (const family of families) {
    const { name, type, unit, samples } = family;
    need(METRIC_NAME.test(name), name, "is no name");
    need(name.endsWith(SUFFIX[type]), name, `does not end in ${SUFFIX[type]}`);
    need(type !== "gauge" || !/_(total|info|created)$/.test(name), name, "is no gauge's name");
    need(unit === undefined || stemOf(family).endsWith(`_${unit}`), name, `is not in ${unit}`);
    need(!names.has(stemOf(family)), name, "is there twice");
    names.add(stemOf(family));
    const series = new Set<string>();
    for (const { labels = {}, value } of samples) {
      const entries = Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1);
      for (const [label] of entries) need(LABEL_NAME.test(label), name, `has a label "${label}"`);
      need(type !== "counter" || value >= 0, name, "counts below 0");
      need(type !== "info" || value === 1, name, "is not 1");
      const key = JSON.stringify(entries);
      need(!series.has(key), name, `has ${key} twice`);
      series.add(key);
    }
  }
}

function need(holds: boolean, name: string, problem: string): void {
  if (!holds) throw new Error(`the metric ${name} ${problem}`);
}
