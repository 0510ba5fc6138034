import { activate } from "../../core/mod.ts";
import { reboot } from "../../host/mod.ts";
import type { Desk } from "../answer.ts";
import { examples, NAME, withPlaces, withSettings } from "../options.ts";
import { locked } from "../wiring.ts";

/** `activate`. */
export function addActivate({ program, reporter, tell }: Desk): void {
  const command = program.command("activate")
    .description("Point GRUB at the staged slot: three tries, then it comes back by itself.");
  withSettings(withPlaces(command), "pubkey")
    .option("--reboot", "reboot when that is done")
    .addHelpText("after", examples("activate --reboot"))
    .action((flags) =>
      locked("activate", flags, reporter, async ({ node, trust }) => {
        const outcome = await activate(node, await trust());
        const text = `GRUB tries slot ${outcome.slot} (${outcome.version}) at the next boot, ` +
          `up to ${outcome.attempts} times; confirm it with \`${NAME} healthcheck\``;
        tell(flags, outcome, () => text, { after: flags.reboot && (() => reboot()) });
      })
    );
}
