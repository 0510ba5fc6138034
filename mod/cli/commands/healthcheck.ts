import { Option } from "@commander-js/extra-typings";
import { healthcheck } from "../../core/mod.ts";
import type { Desk } from "../answer.ts";
import { examples, seconds, withPlaces, withSettings } from "../options.ts";
import { locked } from "../wiring.ts";

/** `healthcheck`. */
export function addHealthcheck({ program, reporter, tell }: Desk): void {
  const command = program.command("healthcheck")
    .description("Check this system's health; confirm its slot if it is on trial.");
  withSettings(withPlaces(command), "health")
    .addOption(
      new Option("--timeout <seconds>", "how long each check may take").argParser(seconds)
        .default(30),
    )
    .addHelpText("after", examples("healthcheck --healthcheck-url http://127.0.0.1:8080/healthz"))
    .action((flags) =>
      locked("healthcheck", flags, reporter, async ({ node, healthChecks }) => {
        const outcome = await healthcheck(node, healthChecks(), flags.timeout);
        const verdict = outcome.confirmed ? "was on trial and is confirmed" : "runs";
        tell(flags, outcome, () => `healthy: slot ${outcome.slot} ${verdict}`);
      })
    );
}
