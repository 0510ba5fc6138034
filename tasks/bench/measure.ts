/**
 * Contenders, run in turn, and the medians of their times.
 *
 * @module
 */

import { run } from "../run.ts";
import { say } from "../screen.ts";

/** What is measured, by name. */
export interface Contender {
  readonly name: string;
  /** One run; seconds. */
  once(): Promise<number>;
}

/** What is moved, and how often. */
export interface Race {
  readonly title: string;
  readonly mebibytes: number;
  readonly runs: number;
}

/**
 * Runs each contender once, and again from the first, so that none has the machine's better minutes;
 * prints and resolves with the median seconds of each. The first is the agent's own.
 */
export async function race(
  { title, mebibytes, runs }: Race,
  contenders: readonly Contender[],
): Promise<Record<string, number>> {
  const seconds = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let i = 0; i < runs; i++) {
    for (const { name, once } of contenders) seconds.get(name)?.push(await once());
  }
  const medians = Object.fromEntries([...seconds].map(([name, all]) => [name, median(all)]));
  const own = medians[contenders[0].name];
  say(`\n${mebibytes} MiB ${title}, median of ${runs} runs`);
  for (const [name, value] of Object.entries(medians)) {
    say(
      `  ${value.toFixed(2).padStart(6)} s  ${
        (mebibytes / value).toFixed(0).padStart(4)
      } MiB/s  the first takes ${(own / value).toFixed(2)} of its time  ${name}`,
    );
  }
  return medians;
}

/** Runs a line of bash; throws where any program of a pipe fails. */
export async function bash(script: string): Promise<void> {
  await run("bash", ["-c", `set -o pipefail; ${script}`]);
}

/** Seconds that `body` takes. */
export async function timed(body: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await body();
  return (performance.now() - began) / 1000;
}

/** The one in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
