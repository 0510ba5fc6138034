import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  GRACE_SECONDS,
  type HealthCheck,
  RETRY_SECONDS,
  runChecks,
  type UpdateEvent,
} from "../../mod/core/mod.ts";

/** A check that gives these answers in turn, the last one again and again; undefined: yes. */
function check(name: string, ...answers: (string | undefined)[]): HealthCheck & { asked: number } {
  return {
    name,
    asked: 0,
    run() {
      const reason = answers[Math.min(this.asked++, answers.length - 1)];
      return reason === undefined ? Promise.resolve() : Promise.reject(new Error(reason));
    },
  };
}

/** What came of checks on a node that does not really wait between tries. */
async function ran(
  checks: readonly HealthCheck[],
  { timeoutSeconds = 5, deadlineSeconds = 60 } = {},
) {
  const events: UpdateEvent[] = [];
  const waits: number[] = [];
  const node = {
    reporter: { report: (event: UpdateEvent) => void events.push(event) },
    sleep: (milliseconds: number) => Promise.resolve(void waits.push(milliseconds)),
  };
  const results = await runChecks(node, checks, { timeoutSeconds, deadlineSeconds });
  return { events, waits, results };
}

Deno.test("a check that says no is asked again until it says yes, and one line tells of it", async () => {
  const well = check("well", undefined);
  const late = check("late", "starting", "starting", "nearly", undefined);
  const { events, waits, results } = await ran([well, late]);
  assertEquals(results.map(({ name, passed, tries }) => [name, passed, tries]), [
    ["well", true, 1],
    ["late", true, 4],
  ]);
  assertEquals(results[1].reason, undefined);
  assertEquals(waits, Array(3).fill(RETRY_SECONDS * 1000));
  assertEquals(events.filter(({ kind }) => kind === "step"), [
    { kind: "step", message: "waiting for late: starting" },
  ]);
});

Deno.test("at the deadline the last reason counts", async () => {
  const { results: [result] } = await ran(
    [check("stuck", "first", "second", "last")],
    { deadlineSeconds: RETRY_SECONDS + 0.5 },
  );
  assertEquals([result.passed, result.reason], [false, "last"]);
  assert(result.tries > 1);
});

Deno.test("without a deadline each check is asked once", async () => {
  const { results: [result] } = await ran([check("x", "no", undefined)], { deadlineSeconds: 0 });
  assertEquals([result.passed, result.tries, result.reason], [false, 1, "no"]);
});

Deno.test("a check that does not answer is told to stop, and may say why", async () => {
  const silent: HealthCheck = { name: "silent", run: () => new Promise(() => {}) };
  const telling: HealthCheck = {
    name: "telling",
    run: (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error(`half way, ${signal.reason}`)))
      ),
  };
  const began = performance.now();
  const { results } = await ran([silent, telling], { timeoutSeconds: 0.1, deadlineSeconds: 0 });
  assert(performance.now() - began >= GRACE_SECONDS * 1000);
  assertEquals(results[0].reason, "no answer within 0.1 seconds");
  assertMatch(results[1].reason ?? "", /^half way, Error: no answer within 0.1 seconds$/);
});

Deno.test("a try that the deadline cuts short leaves the reason of the one before", async () => {
  let asked = 0;
  const check: HealthCheck = {
    name: "slow",
    run: () => ++asked === 1 ? Promise.reject(new Error("known")) : new Promise(() => {}),
  };
  const { results: [result] } = await ran([check], { deadlineSeconds: RETRY_SECONDS + 0.5 });
  assertEquals([result.reason, result.tries], ["known", 2]);
});

Deno.test("a wanted check is asked once, when the required ones are well, and only warns", async () => {
  const required = check("required", "not yet", undefined);
  const wanted = { ...check("wanted", "no"), wanted: true };
  const { events, results } = await ran([wanted, required]);
  assertEquals(results.map(({ name, passed, tries }) => [name, passed, tries]), [
    ["required", true, 2],
    ["wanted", false, 1],
  ]);
  assertEquals(events.at(-1), { kind: "warning", message: "health wanted: no" });

  const skipped = { ...check("wanted", "no"), wanted: true };
  const sick = await ran([skipped, check("required", "no")], { deadlineSeconds: 0 });
  assertEquals([skipped.asked, sick.results.length], [0, 1]);
});
