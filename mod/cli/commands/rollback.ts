import { rollback } from "../../core/mod.ts";
import { reboot } from "../../host/mod.ts";
import type { Desk } from "../answer.ts";
import { examples, withPlaces } from "../options.ts";
import { locked } from "../wiring.ts";

/** `rollback`. */
export function addRollback({ program, reporter, tell }: Desk): void {
  const command = program.command("rollback")
    .description("Go back to the other slot, or take an activation back.");
  withPlaces(command)
    .option("--reboot", "reboot when that is done, if one is needed")
    .option("--force", "also to a version below the floor that a release has raised", false)
    .addHelpText("after", examples("rollback --reboot"))
    .action((flags) =>
      locked("rollback", flags, reporter, async ({ node }) => {
        const outcome = await rollback(node, flags.force);
        const text = outcome.reboot
          ? `GRUB boots slot ${outcome.slot} from now on; reboot to get there`
          : `slot ${outcome.slot} stays: the activation was taken back`;
        const after = flags.reboot && outcome.reboot ? () => reboot() : undefined;
        tell(flags, outcome, () => text, { after });
      })
    );
}
