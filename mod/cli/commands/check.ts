import { check, EXIT, explain } from "../../core/mod.ts";
import type { Desk } from "../answer.ts";
import { jitter, jitterOption } from "../jitter.ts";
import { examples, withSource } from "../options.ts";
import { showCheck } from "../show.ts";
import { locked } from "../wiring.ts";

const EXITS = {
  up_to_date: EXIT.done,
  withheld: EXIT.done,
  available: EXIT.available,
  refused: EXIT.refused,
};

/** `check`. */
export function addCheck({ program, reporter, tell }: Desk): void {
  const command = program.command("check")
    .description("Ask the source what there is, and the gates whether it would be taken.");
  withSource(command)
    .option("--explain", "show every gate's answer, what would be fetched, and the next boot")
    .addOption(jitterOption())
    .addHelpText(
      "after",
      examples(
        "check --server http://updates.lan/stable",
        "check --explain",
        "check --registry registry.lan/os/kubesolo --tag stable --json",
        "check --omaha http://nebraska.lan:8000 --track stable",
      ),
    )
    .action(async (flags) => {
      await jitter(flags.jitter, reporter);
      await locked("check", flags, reporter, async ({ node, policy, source }) => {
        if (flags.explain) {
          const { showExplanation } = await import("../show_explanation.ts");
          const found = await explain(node, await source(), await policy());
          tell(flags, found, () => showExplanation(found), { exit: EXITS[found.result] });
          return;
        }
        const outcome = await check(node, await source(), await policy());
        tell(flags, outcome, () => showCheck(outcome), { exit: EXITS[outcome.result] });
      });
    });
}
