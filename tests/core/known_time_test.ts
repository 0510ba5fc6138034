import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  clockShown,
  EARLIEST_CLOCK,
  knownTime,
  LATEST_CLOCK,
  move,
  NEW_STATE,
  type TimeFacts,
  type UpdateState,
} from "../../mod/core/mod.ts";

const UNSET = new Date("1970-01-01T00:03:00Z");
const BUILT = new Date("2026-02-01T00:00:00Z");

const STAMPED: UpdateState = {
  ...NEW_STATE,
  updated_at: "1970-01-01T00:02:00.000Z",
  slots: { B: { version: "2.0.0", digest: "x", artifacts: [], at: "2026-04-01T00:00:00.000Z" } },
  ledger: [{
    digest: "x",
    version: "2.0.0",
    outcome: "success",
    reason: "healthy",
    attempts: 1,
    at: "2026-03-01T00:00:00.000Z",
  }],
};

function found(facts: Partial<TimeFacts>): string {
  return knownTime({ clock: UNSET, builtAt: BUILT, state: NEW_STATE, ...facts }).found;
}

Deno.test("a clock that is ahead of everything is believed", () => {
  const clock = new Date("2026-05-01T00:00:00Z");
  const floor = { time: "2026-04-30T00:00:00Z" };
  assertEquals(
    found({ clock, floor, state: STAMPED }),
    "2026-05-01T00:00:00.000Z on the node's clock",
  );
});

Deno.test("a clock that was never set is not believed: the latest of what is known is", () => {
  const clock = "the node's clock shows 1970-01-01T00:03:00.000Z";
  assertEquals(found({}), `2026-02-01T00:00:00.000Z, when this agent was built; ${clock}`);
  assertEquals(
    found({ builtAt: undefined }),
    `${EARLIEST_CLOCK.toISOString()}, when this agent was built; ${clock}`,
  );
  assertEquals(
    found({ state: STAMPED }),
    `2026-04-01T00:00:00.000Z, which the clock has shown before; ${clock}`,
  );
  assertEquals(
    found({ state: STAMPED, floor: { time: "2026-04-02T01:00:00+01:00" } }),
    `2026-04-02T00:00:00.000Z, the date of a release that was taken; ${clock}`,
  );
});

Deno.test("the operator's word goes before the clock, also before one that was in the future", () => {
  const offline = new Date("2026-05-01T00:00:00Z");
  const state = { ...NEW_STATE, updated_at: "2050-01-01T00:00:00Z" };
  assertEquals(
    found({ offline, state, clock: new Date("2050-01-02T00:00:00Z") }),
    "2026-05-01T00:00:00.000Z given with --offline-time",
  );
  assertEquals(
    found({ offline, floor: { time: "2026-06-01T00:00:00Z" } }),
    "2026-06-01T00:00:00.000Z, the date of a release that was taken; --offline-time says 2026-05-01T00:00:00.000Z",
  );
});

Deno.test("what the clock has shown is in one stamp; an older agent's state has many", () => {
  const shown = (state: UpdateState) => clockShown(state)?.toISOString();
  assertEquals(shown(NEW_STATE), undefined);
  assertEquals(shown(STAMPED), "2026-04-01T00:00:00.000Z");
  const taken = { ...STAMPED, clock_shown: "2026-03-15T00:00:00.000Z" };
  assertEquals(shown(taken), taken.clock_shown, "the others were taken back");
  const older = { ...taken, updated_at: "2026-03-16T00:00:00.000Z" };
  assertEquals(shown(older), older.updated_at, "an older agent has run since");
});

Deno.test("a clock that was never set, and shows 2099, is not remembered", () => {
  const before = { ...STAMPED, clock_shown: "2026-05-01T00:00:00.000Z" };
  const after = move(before, "checking", new Date("2099-01-01T00:00:00Z"));
  assertEquals([after.updated_at, after.clock_shown], [
    "2099-01-01T00:00:00.000Z",
    before.clock_shown,
  ]);
  assert(found({ clock: new Date("2026-05-02T00:00:00Z"), state: after }).startsWith("2026-05-02"));
  const beyond = new Date("2099-01-01T00:00:00Z");
  assert(found({ clock: beyond, state: after }).startsWith("2099"), "but believed while it shows");
  assertEquals(move(NEW_STATE, "checking", LATEST_CLOCK).clock_shown, undefined);
  const last = new Date(LATEST_CLOCK.getTime() - 1);
  assertEquals(move(NEW_STATE, "checking", last).clock_shown, last.toISOString());
});

Deno.test("stamps that are no time say nothing", () => {
  const state = { ...STAMPED, slots: {}, ledger: [], updated_at: "then", started_at: "2026" };
  assertEquals(found({ state }), found({}));
});

Deno.test("no clock and no word of anybody brings back what is past", () => {
  const date = fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true });
  const maybe = fc.option(date, { nil: undefined });
  fc.assert(
    fc.property(date, maybe, maybe, maybe, maybe, (clock, offline, builtAt, time, stamp) => {
      const { at } = knownTime({
        clock,
        offline,
        builtAt,
        floor: { time: time?.toISOString() },
        state: { ...NEW_STATE, updated_at: stamp?.toISOString() },
      });
      assert(at >= EARLIEST_CLOCK && (!builtAt || at >= builtAt));
      assert(!time || at >= time);
      assert(
        offline ? at >= offline : at >= clock && (!stamp || stamp >= LATEST_CLOCK || at >= stamp),
      );
    }),
  );
});
