import { assertEquals, assertStringIncludes } from "@std/assert";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, roundTrip } from "../../tasks/demo/round_trip.ts";

Deno.test("a node takes a good release, and comes back by itself from a bad one", async () => {
  await ensureInstalled(...demoNeeds(false));
  let told = "";
  const report = await roundTrip(false, (text) => told += text);
  assertStringIncludes(
    told,
    "Boot 6: GRUB starts slot B: the other slot used up its three attempts",
  );
  assertEquals(report.problems, []);
  // every boot of the bad release was counted by GRUB and judged by the agent
  const verdicts = report.boots.map(({ healthy }) => healthy);
  assertEquals(verdicts, [true, true, false, false, false, true]);
  const phases = report.phases.map(({ to }) => to);
  const bad = ["verifying", "failed", "verifying", "failed", "verifying", "failed"];
  const good = ["checking", "downloading", "staged", "activated"];
  const wanted = [...good, "verifying", "success", ...good, ...bad];
  assertEquals(phases.slice(0, wanted.length), wanted);
});
