/**
 * Runs a command line: prints its outcome, and gives its exit status.
 *
 * @module
 */

import { CommanderError } from "@commander-js/extra-typings";
import type { Command as AnyCommand } from "commander";
import { EXIT, reasonOf, UpdateError } from "../core/mod.ts";
import { type Answer, buildProgram, NAME } from "./commands.ts";
import { json } from "./json.ts";
import { chooseColours, TerminalReporter } from "./terminal.ts";

/**
 * Runs one command line.
 *
 * @returns the exit status, one of {@linkcode EXIT}.
 */
export async function run(args: readonly string[]): Promise<number> {
  const reporter = new TerminalReporter();
  let answer: Answer | undefined;
  const program = buildProgram(reporter, (given) => answer = given);
  try {
    if (args[0] === "complete" || args[0] === "completion") await addCompletion(program);
    await program.parseAsync(args, { from: "user" });
    reporter.close();
    if (answer) print(answer);
    await answer?.after?.();
    return answer?.exit ?? EXIT.done;
  } catch (error) {
    reporter.close();
    return fail(args[0] ?? "", error, args.includes("--json"));
  }
}

function print({ json: asJson, value, text }: Answer): void {
  chooseColours(Deno.stdout.isTerminal());
  console.log(asJson ? json(value) : text());
}

/** Says on one line why a command failed; the exit status for it. */
function fail(command: string, error: unknown, asJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const known = error instanceof UpdateError;
  const code = known ? error.code : "slot";
  const exit = EXIT[code];
  const message = known ? error.message : unexpected(error);
  if (asJson) {
    const { operation, found, advice } = known ? error : { ...UNKNOWN, found: reasonOf(error) };
    console.log(json({ error: { code, exit, message, operation, found, advice } }));
  }
  console.error(`${NAME} ${command}: ${message}`);
  return exit;
}

const UNKNOWN = { operation: "working", advice: "this is a defect of the agent: please report it" };

function unexpected(error: unknown): string {
  return `${UNKNOWN.operation}: ${reasonOf(error)}; ${UNKNOWN.advice}`;
}

async function addCompletion(program: AnyCommand): Promise<void> {
  const { default: tab } = await import("@bomb.sh/tab/commander");
  tab(program, { completionCommandName: "completion" });
}
