/** Samples out of what was read. */

import { oneLine } from "../core/mod.ts";
import type { Family, MetricType, Sample } from "./family.ts";

/** Most characters of a label's value that comes from outside. */
const MAX_LABEL_LENGTH = 128;

export function gauge(
  name: string,
  help: string,
  samples: readonly Sample[],
  unit?: Family["unit"],
): Family {
  return { name, type: "gauge", help, samples, ...(unit ? { unit } : {}) };
}

export function family(
  type: MetricType,
  name: string,
  help: string,
  samples: readonly Sample[],
): Family {
  return { name, type, help, samples };
}

/** One series without labels; none where the value is not known. */
export function one(value: number | boolean | undefined): Sample[] {
  return value === undefined ? [] : [{ value: Number(value) }];
}

/** One series for each of `names`: 1 for `chosen`, 0 for the others. */
export function choice(label: string, names: readonly string[], chosen?: string): Sample[] {
  return each(label, names, (name) => name === chosen);
}

/** One series for each of `names`. */
export function each<N extends string>(
  label: string,
  names: readonly N[],
  valueOf: (name: N) => number | boolean,
): Sample[] {
  return names.map((name) => ({ labels: { [label]: name }, value: Number(valueOf(name)) }));
}

/** An RFC 3339 time in seconds since 1970; undefined where it is none. */
export function seconds(time: string | undefined): number | undefined {
  const milliseconds = Date.parse(time ?? "");
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

/** A text from outside as the value of a label: bounded, and without what Prometheus stumbles over. */
export function labelText(text: string): string {
  return oneLine(text).slice(0, MAX_LABEL_LENGTH);
}
