import { Option } from "@commander-js/extra-typings";
import { EXIT, healthcheck, type HealthcheckOutcome } from "../../core/mod.ts";
import { HOST_VIEW, reboot, Watchdogs } from "../../host/mod.ts";
import type { Desk } from "../answer.ts";
import { examples, seconds, withPlaces, withSettings } from "../options.ts";
import { locked } from "../wiring.ts";

/** Seconds for what comes before and behind the checks: a look at both slots, confirming. */
const AROUND_CHECKS_SECONDS = 60;

/** `healthcheck`. */
export function addHealthcheck({ program, reporter, tell }: Desk): void {
  const command = program.command("healthcheck")
    .description("Check this system's health; confirm its slot if it is on trial.");
  withSettings(withSettings(withPlaces(command), "health"), "cluster")
    .addOption(
      new Option("--timeout <seconds>", "how long each check may take").argParser(seconds)
        .default(30),
    )
    .addOption(
      new Option(
        "--deadline <seconds>",
        "ask again what says no for so long (default: health_deadline, or 300)",
      ).argParser(seconds),
    )
    .option("--watchdog", "feed the node's watchdogs meanwhile, and stop them once all is well")
    .option("--reboot", "reboot where the slot was given up")
    .addHelpText(
      "after",
      examples(
        "healthcheck --healthcheck-url http://127.0.0.1:8080/healthz",
        "healthcheck --auto-rollback-after 2 --reboot",
      ),
    )
    .action((flags) =>
      locked("healthcheck", flags, reporter, async ({ node, healthChecks, healthPolicy }) => {
        const policy = healthPolicy();
        using watchdogs = flags.watchdog
          ? await Watchdogs.open(`${HOST_VIEW}/dev`, {
            limitSeconds: policy.deadlineSeconds + 2 * policy.timeoutSeconds +
              AROUND_CHECKS_SECONDS,
            reporter: node.reporter,
          })
          : undefined;
        const outcome = await healthcheck(node, await healthChecks(), policy);
        const gone = outcome.rolledBack !== undefined;
        if (!gone) watchdogs?.disarm();
        tell(flags, outcome, () => inWords(outcome), {
          exit: gone ? EXIT.unhealthy : EXIT.done,
          after: flags.reboot && gone ? () => reboot() : undefined,
        });
      })
    );
}

function inWords({ slot, confirmed, rolledBack }: HealthcheckOutcome): string {
  if (!rolledBack) {
    return `healthy: slot ${slot} ${confirmed ? "was on trial and is confirmed" : "runs"}`;
  }
  return `slot ${slot} was given up, ${rolledBack.reason}; ` +
    `GRUB boots slot ${rolledBack.slot} from now on; reboot to get there`;
}
