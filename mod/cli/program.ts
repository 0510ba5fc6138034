/**
 * Runs a command line: prints its outcome, and gives its exit status.
 *
 * @module
 */

import { CommanderError } from "@commander-js/extra-typings";
import type { Command as AnyCommand } from "commander";
import { EXIT, oneLine, reasonOf, UpdateError } from "../core/mod.ts";
import type { Answer } from "./answer.ts";
import { buildProgram } from "./command_line.ts";
import { chooseColours, EventLog, type LogFlags } from "./event_log.ts";
import { json } from "./json.ts";
import { NAME } from "./options.ts";

/**
 * Runs one command line.
 *
 * @returns the exit status, one of {@linkcode EXIT}.
 */
export async function run(args: readonly string[]): Promise<number> {
  const log = new EventLog();
  let answer: Answer | undefined;
  const program = buildProgram(log, (given) => answer = given);
  program.hook(
    "preAction",
    (_, command) => log.configure(command.name(), command.opts<LogFlags>()),
  );
  try {
    if (args[0] === "complete" || args[0] === "completion") await addCompletion(program);
    await program.parseAsync(args, { from: "user" });
    log.close();
    if (answer) print(answer);
    await answer?.after?.();
    return answer?.exit ?? EXIT.done;
  } catch (error) {
    log.close();
    return fail(log, args[0] ?? "", error, args.includes("--json"));
  }
}

function print({ json: asJson, value, text }: Answer): void {
  chooseColours(Deno.stdout.isTerminal());
  console.log(asJson ? json(value) : text());
}

/** Says on one line why a command failed; the exit status for it. */
function fail(log: EventLog, command: string, thrown: unknown, asJson: boolean): number {
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return EXIT.done;
    // it has shown the help, for want of a command
    if (thrown.code === "commander.help") return EXIT.usage;
  }
  const error = explain(thrown);
  const { code, message, operation, found, advice } = error;
  const exit = EXIT[code];
  if (asJson) console.log(json({ error: { code, exit, message, operation, found, advice } }));
  log.fail(`${oneLine(`${NAME} ${command}`)}: ${message}`, error, exit);
  return exit;
}

function explain(thrown: unknown): UpdateError {
  if (thrown instanceof UpdateError) return thrown;
  if (thrown instanceof CommanderError) {
    return new UpdateError("usage", {
      operation: "reading the command line",
      found: oneLine(thrown.message.replace(/^error: /, "")).replace(/\.$/, ""),
      advice: `see \`${NAME} --help\``,
    });
  }
  return new UpdateError("slot", {
    operation: "working",
    found: reasonOf(thrown),
    advice: "this is a defect of the agent: please report it",
    cause: thrown,
  });
}

async function addCompletion(program: AnyCommand): Promise<void> {
  const { default: tab } = await import("@bomb.sh/tab/commander");
  tab(program, { completionCommandName: "completion" });
}
