import { assert, assertEquals } from "@std/assert";
import { isPhase, mayFollow, type Phase, PHASES, TRANSITIONS } from "../../mod/core/mod.ts";

Deno.test("the way of an update is in the table, step by step", () => {
  const way: Phase[] = ["idle", "checking", "downloading", "staged", "activated", "verifying"];
  for (const [index, phase] of way.entries()) {
    assert(mayFollow(phase, way[index + 1] ?? "success"), `nothing leads on from ${phase}`);
  }
});

Deno.test("nothing becomes a success unless its health was checked, or a check found it so", () => {
  const before = PHASES.filter((phase) => mayFollow(phase, "success"));
  assertEquals(before, ["checking", "verifying"]);
});

Deno.test("nothing is staged but by a download, or by a check that finds it there", () => {
  assertEquals(PHASES.filter((phase) => mayFollow(phase, "staged")), ["checking", "downloading"]);
});

Deno.test("from every phase a check can start, a health check can run, and a roll back can show", () => {
  for (const phase of PHASES) {
    for (const next of ["checking", "verifying", "rolled_back"] as const) {
      assert(mayFollow(phase, next), `${next} cannot follow ${phase}`);
    }
  }
});

Deno.test("the table names phases only, and every one of them", () => {
  assertEquals(Object.keys(TRANSITIONS).sort(), [...PHASES].sort());
  for (const next of Object.values(TRANSITIONS)) assert(next.every(isPhase));
});

Deno.test("a phase is one of nine words", () => {
  assertEquals(PHASES.length, 9);
  for (const value of ["", "Idle", "done", undefined, null, 0, {}, "constructor"]) {
    assertEquals(isPhase(value), false);
  }
});
