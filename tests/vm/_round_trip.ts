import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Report } from "../../tasks/demo/round_trip.ts";

/** It went as it should, with every boot of the bad release counted by GRUB and judged by the agent. */
export function assertRoundTrip(report: Report): void {
  assertEquals(report.problems, []);
  const verdicts = report.boots.map(({ healthy }) => healthy);
  assertEquals(verdicts, [true, true, false, false, false, true]);
  // its metrics were asked for while it updated itself
  for (const phase of ["downloading", "success"]) {
    assert(
      report.scraped.phases.includes(phase),
      `${phase} was not seen: ${report.scraped.phases}`,
    );
  }
  assertStringIncludes(report.scraped.last, "kubesolo_os_info{");
  const phases = report.phases.map(({ to }) => to);
  const bad = ["verifying", "failed", "verifying", "failed", "verifying", "failed"];
  const good = ["checking", "downloading", "staged", "activated"];
  const wanted = [...good, "verifying", "success", ...good, ...bad];
  assertEquals(phases.slice(0, wanted.length), wanted);
}
