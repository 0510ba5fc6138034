import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Report } from "../../tasks/demo/round_trip.ts";

const GOOD = ["checking", "downloading", "staged", "activated"];

/** A good release was taken and confirmed, and the node was scraped meanwhile. */
export function assertTrip(report: Report): void {
  assertEquals(report.problems, []);
  assertEquals(report.boots.slice(0, 2).map(({ healthy }) => healthy), [true, true]);
  // its metrics were asked for while it updated itself
  for (const phase of ["downloading", "success"]) {
    assert(
      report.scraped.phases.includes(phase),
      `${phase} was not seen: ${report.scraped.phases}`,
    );
  }
  assertStringIncludes(report.scraped.last, "kubesolo_os_info{");
  const wanted = [...GOOD, "verifying", "success"];
  assertEquals(report.phases.slice(0, wanted.length).map(({ to }) => to), wanted);
}

/** {@linkcode assertTrip}, and every boot of a bad one was counted by GRUB and judged by the agent. */
export function assertRoundTrip(report: Report): void {
  assertTrip(report);
  assertEquals(report.boots.slice(2).map(({ healthy }) => healthy), [false, false, false, true]);
  const bad = ["verifying", "failed", "verifying", "failed", "verifying", "failed"];
  const wanted = [...GOOD, ...bad];
  assertEquals(report.phases.slice(6, 6 + wanted.length).map(({ to }) => to), wanted);
}
