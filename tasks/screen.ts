/**
 * What tasks say on the screen: standard error, one line at a time. Standard output is for results.
 *
 * @module
 */

import { bold, red, setColorEnabled, yellow } from "@std/fmt/colors";

/** A line about what is being done. */
export function say(line: string): void {
  console.error(line);
}

/** A line about something that was left out or looks wrong, and what to do about it. */
export function warn(line: string): void {
  console.error(`${yellow("warning:")} ${line}`);
}

/**
 * Runs a task's body and ends the process: 0, or 1 with the error as text, without a stack. `codeOf` gives
 * other exit codes.
 */
export async function main(
  body: () => Promise<void>,
  codeOf: (error: unknown) => number = () => 1,
): Promise<never> {
  setColorEnabled(Deno.stderr.isTerminal() && !Deno.noColor);
  try {
    await body();
  } catch (error) {
    console.error(`${bold(red("error:"))} ${error instanceof Error ? error.message : error}`);
    Deno.exit(codeOf(error));
  }
  Deno.exit(0);
}
