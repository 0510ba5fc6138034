import { Option } from "@commander-js/extra-typings";
import { activate, type ActivateOutcome, apply, type ApplyOutcome } from "../../core/mod.ts";
import { reboot } from "../../host/mod.ts";
import type { Desk } from "../answer.ts";
import { jitter, jitterOption } from "../jitter.ts";
import { examples, NAME, withSource } from "../options.ts";
import { upToDateBecause } from "../show.ts";
import { locked } from "../wiring.ts";

/** `apply`. */
export function addApply({ program, reporter, tell }: Desk): void {
  const command = program.command("apply")
    .description("Fetch the newest release into the passive slot. Run it again to go on.");
  withSource(command)
    .option("--activate", "then let GRUB try it at the next boot", false)
    .addOption(
      new Option("--reboot", "then let GRUB try it, and reboot if there is something to try")
        .implies({ activate: true }),
    )
    .addOption(jitterOption())
    .addHelpText(
      "after",
      examples(
        "apply --server http://updates.lan/stable",
        "apply --force",
        "apply --reboot --jitter 1800",
        "apply --from /dev/sdb1",
      ),
    )
    .action(async (flags) => {
      await jitter(flags.jitter, reporter);
      await locked("apply", flags, reporter, async ({ node, policy, source, trust }) => {
        const outcome = await apply(node, await source(), await policy());
        const staged = outcome.result === "staged" || outcome.result === "already_staged";
        const activated = flags.activate && staged
          ? await activate(node, await trust())
          : undefined;
        const wanting = activated || outcome.result === "already_activated";
        tell(flags, { ...outcome, activated }, () => inWords(outcome, activated), {
          after: flags.reboot && wanting ? () => reboot() : undefined,
        });
      });
    });
}

function inWords(outcome: ApplyOutcome, activated?: ActivateOutcome): string {
  const { result, slot, steppingStoneTo } = outcome;
  const step = steppingStoneTo ? `, a stepping stone to ${steppingStoneTo},` : "";
  const version = `${outcome.version}${step}`;
  const next = activated
    ? `GRUB tries it at the next boot, up to ${activated.attempts} times`
    : `\`${NAME} activate\` lets GRUB try it`;
  switch (result) {
    case "staged":
      return `${version} is staged in slot ${slot}, read back and complete; ${next}`;
    case "already_staged":
      return `${version} is staged in slot ${slot} already; ${next}`;
    case "already_activated":
      return `${version} in slot ${slot} is activated already; reboot to try it`;
    case "up_to_date":
      return `up to date: ${version} runs, and ${upToDateBecause(outcome)}`;
    case "withheld":
      return `withheld: ${version} runs, and ${outcome.withheld}`;
  }
}
