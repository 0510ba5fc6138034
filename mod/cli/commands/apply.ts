import { apply, type ApplyOutcome } from "../../core/mod.ts";
import type { Desk } from "../answer.ts";
import { examples, NAME, withSource } from "../options.ts";
import { locked } from "../wiring.ts";

/** `apply`. */
export function addApply({ program, reporter, tell }: Desk): void {
  const command = program.command("apply")
    .description("Fetch the newest release into the passive slot. Run it again to go on.");
  withSource(command)
    .addHelpText("after", examples("apply --server http://updates.lan/stable", "apply --force"))
    .action((flags) =>
      locked("apply", flags, reporter, async ({ node, policy, source }) => {
        const outcome = await apply(node, await source(), policy());
        tell(flags, outcome, () => inWords(outcome));
      })
    );
}

function inWords({ result, version, slot }: ApplyOutcome): string {
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
