/**
 * The command line as a whole: what can be typed, and what its help says.
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import type { Command as AnyCommand } from "commander";
import type { Reporter } from "../core/mod.ts";
import { type Answer, teller } from "./answer.ts";
import { addActivate } from "./commands/activate.ts";
import { addApply } from "./commands/apply.ts";
import { addCheck } from "./commands/check.ts";
import { addConfig } from "./commands/config.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addHealthcheck } from "./commands/healthcheck.ts";
import { addInstall } from "./commands/install.ts";
import { addInstallDisk } from "./commands/install_disk.ts";
import { addKeygen } from "./commands/keygen.ts";
import { addMetrics } from "./commands/metrics.ts";
import { addRollback } from "./commands/rollback.ts";
import { addServe } from "./commands/serve.ts";
import { addServePackage } from "./commands/serve_package.ts";
import { addSign } from "./commands/sign.ts";
import { addStatus } from "./commands/status.ts";
import { addVerify } from "./commands/verify.ts";
import { NAME } from "./options.ts";
import { AGENT_VERSION } from "./scope.ts";

const DESCRIPTION = `Atomic A/B updates of an edge Kubernetes node's operating system.

The node runs from one system partition; an update is written to the other;
GRUB tries the new one three times, and comes back by itself when it does not
prove healthy. A whole update, step by step:

  ${NAME} check        is there one, and would it be taken?
  ${NAME} apply        fetch it into the passive slot
  ${NAME} activate     let GRUB try it at the next boot
  reboot
  ${NAME} healthcheck  confirm it, once the node is well

\`${NAME} install\` makes this one file the agent of a node, \`${NAME} doctor\`
says what is wrong on one.`;

const EXIT_CODES = `
Exit codes:
   0  done; for check: up to date      30  verification failed
   2  wrong command line               40  source unreachable
  10  check: an update is available    50  slot or boot environment failed
  20  refused by a gate, or locked     60  unhealthy; doctor: a problem`;

const COMPLETION = `
Completion of commands and options, for bash, zsh and fish:
  source <(${NAME} completion bash)`;

/** The command line; `answered` is called once, by the command that ran. */
export function buildProgram(
  reporter: Reporter,
  answered: (answer: Answer) => void,
): AnyCommand {
  const program = new Command(NAME)
    .description(DESCRIPTION)
    .version(AGENT_VERSION, "-V, --version", "print the agent's version")
    .helpOption("-h, --help", "explain a command")
    .helpCommand("help [command]", "explain a command")
    .showSuggestionAfterError()
    // options belong to the command that they stand behind
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => write(Deno.stdout, text),
      writeErr: (text) => write(Deno.stderr, text),
      // the runner prints all errors in one way
      outputError: () => {},
      // help has none; the library would ask the terminal, and for that variables that are not allowed
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText("after", `${EXIT_CODES}\n${COMPLETION}`);

  const desk = { program, reporter, tell: teller(answered) };
  addCheck(desk);
  addApply(desk);
  addActivate(desk);
  addHealthcheck(desk);
  addRollback(desk);
  addStatus(desk);
  addDoctor(desk);
  addInstall(desk);
  addInstallDisk(desk);
  addMetrics(desk);
  addServe(desk);
  addServePackage(desk);
  addKeygen(desk);
  addSign(desk);
  addVerify(desk);
  addConfig(desk);
  return program as unknown as AnyCommand;
}

function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  try {
    stream.writeSync(new TextEncoder().encode(text));
  } catch (error) {
    // `--help | head`: who reads may stop
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
