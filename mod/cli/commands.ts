/**
 * The commands: what can be typed.
 *
 * @module
 */

import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { Command as AnyCommand } from "commander";
import {
  activate,
  apply,
  type ApplyOutcome,
  check,
  EXIT,
  healthcheck,
  rollback,
  status,
} from "../core/mod.ts";
import { reboot } from "../host/mod.ts";
import { AGENT_VERSION } from "./scope.ts";
import { DEFAULT_CONF, DEFAULT_STATE } from "./settings.ts";
import { showCheck, showStatus } from "./show.ts";
import type { TerminalReporter } from "./terminal.ts";
import { locked, peek } from "./wiring.ts";

/** The name of the executable. */
export const NAME = "kubesolo-update";

const DESCRIPTION = `Atomic A/B updates of an edge Kubernetes node's operating system.

The node runs from one system partition; an update is written to the other;
GRUB tries the new one three times, and comes back by itself when it does not
prove healthy. A whole update, step by step:

  ${NAME} check        is there one, and would it be taken?
  ${NAME} apply        fetch it into the passive slot
  ${NAME} activate     let GRUB try it at the next boot
  reboot
  ${NAME} healthcheck  confirm it, once the node is well`;

const EXIT_CODES = `
Exit codes:
   0  done; for check: up to date      30  verification failed
   2  wrong command line               40  source unreachable
  10  check: an update is available    50  slot or boot environment failed
  20  refused by a gate, or locked     60  unhealthy`;

const COMPLETION = `
Completion of commands and options, for bash, zsh and fish:
  source <(${NAME} completion bash)`;

/** What a command came to. */
export interface Answer {
  /** Exit status. */
  readonly exit: number;
  /** For people; made when it is printed, so that colours fit the stream. */
  text(): string;
  /** For machines. */
  readonly value: unknown;
  /** Whether machines asked. */
  readonly json: boolean;
  /** What is left to do once it is printed. */
  after?(): Promise<void>;
}

/** The command line; `answered` is called once, by the command that ran. */
export function buildProgram(
  reporter: TerminalReporter,
  answered: (answer: Answer) => void,
): AnyCommand {
  const program = new Command(NAME)
    .description(DESCRIPTION)
    .version(AGENT_VERSION, "-V, --version", "print the agent's version")
    .helpOption("-h, --help", "explain a command")
    .helpCommand("help [command]", "explain a command")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => write(Deno.stdout, text),
      writeErr: (text) => write(Deno.stderr, text),
      // the runner prints all errors in one way
      outputError: () => {},
    })
    .addHelpText("after", `${EXIT_CODES}\n${COMPLETION}`);

  const command = (name: string, description: string) =>
    program.command(name).description(description)
      .option("--json", "print the outcome as JSON on standard output")
      .option("--disk <device>", "look for the partitions on this disk alone, such as /dev/vda")
      .option("--grubenv <file>", "use this grubenv instead of the one on the ESP")
      .option("--state <file>", "where the state is kept", DEFAULT_STATE)
      .option("--conf <file>", `settings (default: ${DEFAULT_CONF}, if it is there)`);
  const fromSource = (name: string, description: string) =>
    command(name, description)
      .addOption(
        new Option("--server <url>", "update server: the directory that has latest.json")
          .conflicts("registry"),
      )
      .option("--registry <repository>", "take updates from an OCI registry: host/repository")
      .option("--tag <tag>", "tag of the release in the registry (default: stable)")
      .option("--plain-http", "speak http to the registry", false)
      .option("--channel <name>", "channel to follow (default: stable)")
      .option("--maintenance-window <HH:MM-HH:MM>", "update only then, in the node's time")
      .option("--force", "skip the maintenance window and the ledger, nothing else", false)
      .addOption(
        new Option(
          "--stall-timeout <seconds>",
          "give up a connection that brings nothing for so long",
        )
          .argParser(positive).default(30),
      );
  const tell = (
    flags: { json?: true },
    value: unknown,
    text: () => string,
    rest: { exit?: number; after?: () => Promise<void> } = {},
  ) => answered({ exit: EXIT.done, ...rest, value, text, json: flags.json === true });

  fromSource("check", "Ask the source what there is, and the gates whether it would be taken.")
    .addHelpText(
      "after",
      example(
        "check --server http://updates.lan/stable",
        "check --registry registry.lan/os/kubesolo --tag stable --json",
      ),
    )
    .action((flags) =>
      locked("check", flags, reporter, async ({ node, policy, source }) => {
        const outcome = await check(node, await source(), policy);
        const exit = {
          up_to_date: EXIT.done,
          available: EXIT.available,
          refused: EXIT.refused,
        }[outcome.result];
        tell(flags, outcome, () => showCheck(outcome), { exit });
      })
    );

  fromSource("apply", "Fetch the newest release into the passive slot. Run it again to go on.")
    .addHelpText("after", example("apply --server http://updates.lan/stable", "apply --force"))
    .action((flags) =>
      locked("apply", flags, reporter, async ({ node, policy, source }) => {
        const outcome = await apply(node, await source(), policy);
        tell(flags, outcome, () => appliedText(outcome));
      })
    );

  command("activate", "Point GRUB at the staged slot: three tries, then it comes back by itself.")
    .option("--reboot", "reboot when that is done")
    .addHelpText("after", example("activate --reboot"))
    .action((flags) =>
      locked("activate", flags, reporter, async ({ node }) => {
        const outcome = await activate(node);
        const text = `GRUB tries slot ${outcome.slot} (${outcome.version}) at the next boot, ` +
          `up to ${outcome.attempts} times; confirm it with \`${NAME} healthcheck\``;
        tell(flags, outcome, () => text, { after: flags.reboot && (() => reboot()) });
      })
    );

  command("healthcheck", "Check this system's health; confirm its slot if it is on trial.")
    .option("--healthcheck-url <url>", "a URL that must answer 2xx")
    .addOption(
      new Option("--timeout <seconds>", "how long each check may take").argParser(positive).default(
        30,
      ),
    )
    .addHelpText("after", example("healthcheck --healthcheck-url http://127.0.0.1:8080/healthz"))
    .action((flags) =>
      locked("healthcheck", flags, reporter, async ({ node, healthChecks }) => {
        const outcome = await healthcheck(node, healthChecks(), flags.timeout);
        const text = `healthy: slot ${outcome.slot} ${
          outcome.confirmed ? "was on trial and is confirmed" : "runs"
        }`;
        tell(flags, outcome, () => text);
      })
    );

  command("rollback", "Go back to the other slot, or take an activation back.")
    .option("--reboot", "reboot when that is done, if one is needed")
    .addHelpText("after", example("rollback --reboot"))
    .action((flags) =>
      locked("rollback", flags, reporter, async ({ node }) => {
        const outcome = await rollback(node);
        const text = outcome.reboot
          ? `GRUB boots slot ${outcome.slot} from now on; reboot to get there`
          : `slot ${outcome.slot} stays: the activation was taken back`;
        const after = flags.reboot && outcome.reboot ? () => reboot() : undefined;
        tell(flags, outcome, () => text, { after });
      })
    );

  command("status", "Show slots, boot environment, phase and ledger.")
    .addHelpText("after", example("status", "status --json"))
    .action((flags) =>
      peek("status", flags, reporter, async ({ node }, holder) => {
        const outcome = await status(node, holder === undefined);
        const note = holder ? `\nworking      ${holder}` : "";
        const value = holder ? { ...outcome, workedOnBy: holder } : outcome;
        tell(flags, value, () => showStatus(outcome) + note);
      })
    );

  return program as unknown as AnyCommand;
}

function appliedText({ result, version, slot }: ApplyOutcome): string {
  switch (result) {
    case "staged":
      return `${version} is staged in slot ${slot}, read back and complete; ` +
        `\`${NAME} activate\` lets GRUB try it`;
    case "already_staged":
      return `${version} is staged in slot ${slot} already; \`${NAME} activate\` lets GRUB try it`;
    case "already_activated":
      return `${version} in slot ${slot} is activated already; reboot to try it`;
    case "up_to_date":
      return `up to date: ${version} runs, and it is the newest`;
  }
}

function example(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${NAME} ${line}`).join("\n")}`;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400)) {
    throw new InvalidArgumentError("It takes a number of seconds, more than 0 and up to a day.");
  }
  return value;
}

function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  stream.writeSync(new TextEncoder().encode(text));
}
