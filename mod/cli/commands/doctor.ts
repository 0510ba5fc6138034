import { EXIT } from "../../core/mod.ts";
import type { Desk } from "../answer.ts";
import { examples, withPlaces } from "../options.ts";

const MORE = `
Each check says ok, warning (the node runs, but not as it should) or problem (updates will
fail, or the way back is closed), what was found, and what to do. What needs something that
is not there is skipped. Nothing is changed: partitions are mounted read-only, and every byte
of both slots is read. While the passive one is read, other commands that want the agent's lock
wait for 5 s and are then refused (20).

Exit codes: 0 no problem, warnings or not; 60 a problem.`;

/** `doctor`. */
export function addDoctor({ program, reporter, tell }: Desk): void {
  const command = program.command("doctor")
    .description("Say what is wrong on this node, and what to do about it.");
  withPlaces(command)
    .addHelpText(
      "after",
      examples("doctor", "doctor --json", "doctor --disk /dev/vda") + `\n${MORE}`,
    )
    .action(async (flags) => {
      const { runDoctor } = await import("../doctor/run.ts");
      const { showExamined } = await import("../doctor/show.ts");
      const examined = await runDoctor(flags, reporter);
      const exit = examined.result === "problem" ? EXIT.unhealthy : EXIT.done;
      tell(flags, examined, () => showExamined(examined), { exit });
    });
}
