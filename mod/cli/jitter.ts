/**
 * Nodes that are all told to start at the same minute do not all ask the server at once.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type { Reporter } from "../core/mod.ts";
import { exitOnSignal } from "./exit_on_signal.ts";
import { seconds } from "./options.ts";

/** The flag. */
export function jitterOption() {
  return new Option("--jitter <seconds>", "first wait for a random time, up to so long")
    .argParser(seconds);
}

/** Resolves after a random time up to `most` seconds, said on the way; at once where it is absent. */
export async function jitter(most: number | undefined, reporter: Reporter): Promise<void> {
  if (most === undefined) return;
  const wait = Math.random() * most;
  using _ending = exitOnSignal();
  // whoever reads this may end it
  reporter.report({
    kind: "step",
    message: `waiting ${Math.round(wait)} of up to ${most} seconds`,
  });
  await new Promise((resolve) => setTimeout(resolve, wait * 1000));
}
