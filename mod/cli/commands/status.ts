import { status } from "../../core/mod.ts";
import type { Desk } from "../answer.ts";
import { examples, withPlaces } from "../options.ts";
import { showStatus } from "../show.ts";
import { peek } from "../wiring.ts";

/** `status`. */
export function addStatus({ program, reporter, tell }: Desk): void {
  const command = program.command("status")
    .description("Show slots, boot environment, phase and ledger.");
  withPlaces(command)
    .addHelpText("after", examples("status", "status --json"))
    .action((flags) =>
      peek("status", flags, reporter, async ({ node }, holder) => {
        const outcome = await status(node, holder === undefined);
        const note = holder ? `\nworking      ${holder}` : "";
        const value = holder ? { ...outcome, workedOnBy: holder } : outcome;
        tell(flags, value, () => showStatus(outcome) + note);
      })
    );
}
