/**
 * Nodes that are all told to start at the same minute do not all ask the server at once.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type { Reporter } from "../core/mod.ts";
import { seconds } from "./options.ts";

/** Signals that end the wait, by number: process 1 of a container dies of none by itself. */
const ENDING: Readonly<Partial<Record<Deno.Signal, number>>> = { SIGINT: 2, SIGTERM: 15 };

/** The flag. */
export function jitterOption() {
  return new Option("--jitter <seconds>", "first wait for a random time, up to so long")
    .argParser(seconds);
}

/** Resolves after a random time up to `most` seconds, said on the way; at once where it is absent. */
export async function jitter(most: number | undefined, reporter: Reporter): Promise<void> {
  if (most === undefined) return;
  const wait = Math.random() * most;
  const listeners = Object.entries(ENDING).map(([signal, number]) =>
    [signal as Deno.Signal, () => Deno.exit(128 + number)] as const
  );
  for (const [signal, end] of listeners) Deno.addSignalListener(signal, end);
  // whoever reads this may end it
  reporter.report({
    kind: "step",
    message: `waiting ${Math.round(wait)} of up to ${most} seconds`,
  });
  await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  for (const [signal, end] of listeners) Deno.removeSignalListener(signal, end);
}
