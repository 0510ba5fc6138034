import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  formatState,
  lastEntry,
  type LedgerEntry,
  MAX_LEDGER_ENTRIES,
  MAX_STATE_BYTES,
  move,
  NEW_STATE,
  parseState,
  PHASES,
  record,
  type UpdateState,
} from "../../mod/core/mod.ts";

const AT = "2026-01-15T10:00:00.000Z";

const ENTRY: LedgerEntry = {
  digest: "sha256:x",
  version: "2.0.0",
  outcome: "rolled_back",
  reason: "probe: 503",
  attempts: 3,
  at: AT,
};

const FULL: UpdateState = {
  phase: "verifying",
  resting: "activated",
  from_version: "1.0.0",
  to_version: "2.0.0",
  attempt_count: 2,
  last_error: "unhealthy: probe: 503",
  last_refusal: { gate: "window", wanted: "22:00-04:00", found: "12:00", version: "2.0.0", at: AT },
  started_at: AT,
  updated_at: AT,
  candidate: {
    digest: "sha256:x",
    version: "2.0.0",
    slot: "B",
    boot_id: "one",
    boots: 1,
    last_boot_id: "two",
    unhealthy: "probe: 503",
    min_allowed_version: "1.0.0",
    signed_by: ["ops (0123456789ABCDEF)"],
  },
  download: { sha256: "a".repeat(64), bytes: 4096 },
  slots: {
    A: { version: "1.0.0", digest: "sha256:y", artifacts: [], at: AT },
    B: {
      version: "2.0.0",
      digest: "sha256:x",
      artifacts: [{ name: "image", sha256: "a".repeat(64), size: 5 }],
      at: AT,
    },
  },
  ledger: [ENTRY],
  attempts_total: 5,
  refusals: { window: 3, ledger: 1 },
  offered: { version: "2.0.0", at: AT },
  withheld: { why: "paused", at: AT },
  last_download: { bytes: 4096, seconds: 1.25, at: AT },
  floor: {
    version: "1.0.0",
    min_allowed_version: "0.9.0",
    metadata_versions: { stable: 7 },
    time: AT,
  },
  health: {
    results: [
      { name: "data-partition", passed: true, milliseconds: 12, tries: 1 },
      { name: "probe", passed: false, milliseconds: 30_000, tries: 9, reason: "503" },
    ],
    at: AT,
  },
};

/** The members that no flow decides by. */
const RECORDS = ["attempts_total", "refusals", "offered", "withheld", "last_download", "health"];

Deno.test("a new and a full state are the same after a round trip", () => {
  for (const state of [NEW_STATE, FULL]) assertEquals(parseState(formatState(state)), state);
});

Deno.test("a state from before the records is as good as one with them", () => {
  const old: UpdateState = Object.fromEntries(
    Object.entries(FULL).filter(([name]) => !RECORDS.includes(name)),
  ) as unknown as UpdateState;
  assertEquals(parseState(formatState(old)), old);
});

Deno.test("any state that the agent can have is the same after a round trip", () => {
  const text = fc.string({ unit: "grapheme" });
  const optional = fc.option(text, { nil: undefined });
  const entry: fc.Arbitrary<LedgerEntry> = fc.record({
    digest: text,
    version: text,
    outcome: fc.constantFrom("success", "rolled_back"),
    reason: text,
    attempts: fc.nat(),
    at: text,
  });
  const state: fc.Arbitrary<UpdateState> = fc.record({
    phase: fc.constantFrom(...PHASES),
    resting: fc.constantFrom(...PHASES),
    from_version: optional,
    last_error: optional,
    attempt_count: fc.nat(),
    slots: fc.constantFrom({}, FULL.slots),
    candidate: fc.constantFrom(undefined, FULL.candidate),
    download: fc.option(fc.record({ sha256: text, bytes: fc.nat() }), { nil: undefined }),
    ledger: fc.array(entry, { maxLength: 5 }),
    attempts_total: fc.option(fc.nat(), { nil: undefined }),
    refusals: fc.option(fc.dictionary(text, fc.nat()), { nil: undefined }),
    offered: fc.constantFrom(undefined, FULL.offered),
    withheld: fc.constantFrom(undefined, FULL.withheld),
    last_download: fc.constantFrom(undefined, FULL.last_download),
    health: fc.constantFrom(undefined, FULL.health),
  });
  fc.assert(fc.property(state, (value) => {
    const stored = JSON.parse(JSON.stringify(value)) as UpdateState;
    assertEquals(parseState(formatState(value)), stored);
  }));
});

/** A member, and values that the agent never writes there. */
const GARBLED: readonly (readonly [string, readonly unknown[]])[] = [
  ["phase", [undefined, "done", 1, null]],
  ["resting", [undefined, "done"]],
  ["floor", [1, null, []]],
  ["floor.version", [1, "x", null]],
  ["floor.min_allowed_version", [1, "", "1.0\n"]],
  ["floor.metadata_versions", [1, [], { stable: -1 }, { stable: "7" }]],
  ["floor.time", ["then", 1, "2026-13-01T00:00:00Z"]],
  ["candidate.min_allowed_version", [1, "x"]],
  ["candidate.signed_by", ["ops", [1]]],
  ["attempt_count", [undefined, -1, 1.5, "1", 2 ** 60]],
  ["from_version", [1, null]],
  ["to_version", [1]],
  ["last_error", [{}]],
  ["started_at", [0]],
  ["updated_at", [false]],
  ["clock_shown", [false]],
  ["candidate", [null, [], "B"]],
  ["candidate.digest", [undefined, 1]],
  ["candidate.version", [undefined]],
  ["candidate.boot_id", [undefined]],
  ["candidate.slot", [undefined, "C", "b"]],
  ["candidate.boots", [undefined, "1", 0.5]],
  ["candidate.last_boot_id", [1, null]],
  ["candidate.unhealthy", [1, {}]],
  ["download", [null, 5]],
  ["download.sha256", [undefined]],
  ["download.bytes", [undefined, -1, "5"]],
  ["last_refusal", [null, "window"]],
  ["last_refusal.gate", [undefined]],
  ["last_refusal.wanted", [1]],
  ["last_refusal.found", [undefined]],
  ["last_refusal.at", [0]],
  ["slots", [undefined, null, []]],
  ["slots.C", [{}]],
  ["slots.B", [null, "2.0.0"]],
  ["slots.B.version", [undefined]],
  ["slots.B.digest", [7]],
  ["slots.B.at", [undefined]],
  ["slots.B.artifacts", [undefined, {}, [null], [{ name: "image" }]]],
  ["slots.B.artifacts.0.size", ["5", null, 0.5]],
  ["ledger", [undefined, {}, null]],
  ["ledger.0", [null, "x"]],
  ["ledger.0.digest", [undefined]],
  ["ledger.0.version", [2]],
  ["ledger.0.outcome", [undefined, "failed"]],
  ["ledger.0.reason", [null]],
  ["ledger.0.attempts", [undefined, "3"]],
  ["ledger.0.at", [undefined]],
  ["attempts_total", [null, -1, 0.5, "5"]],
  ["refusals", [null, [], 3]],
  ["refusals.window", [null, -1, 0.5, "3"]],
  ["offered", [null, "2.0.0"]],
  ["offered.version", [undefined, 2]],
  ["offered.at", [undefined]],
  ["withheld", [null, "paused"]],
  ["withheld.why", [undefined, 2]],
  ["withheld.at", [undefined]],
  ["last_download", [null, 5]],
  ["last_download.bytes", [undefined, -1, 0.5]],
  ["last_download.seconds", [undefined, -1, "1", null]],
  ["last_download.at", [undefined]],
  ["health", [null, []]],
  ["health.at", [undefined, 0]],
  ["health.results", [undefined, {}]],
  ["health.results.0", [null, "well"]],
  ["health.results.0.name", [undefined]],
  ["health.results.0.passed", [undefined, "yes"]],
  ["health.results.0.milliseconds", [undefined, -1, null]],
  ["health.results.0.tries", [undefined, -1, "1"]],
  ["health.results.1.reason", [null, 503]],
];

for (const [path, values] of GARBLED) {
  Deno.test(`a state whose ${path} is garbled is refused, and named`, () => {
    for (const value of values) {
      const state = structuredClone(FULL) as unknown as Record<string, unknown>;
      const names = path.split(".");
      const last = names.pop() as string;
      let holder = state;
      for (const name of names) holder = holder[name] as Record<string, unknown>;
      holder[last] = value;
      const error = assertThrows(() => parseState(JSON.stringify(state)), Error);
      assert(error.message.includes("is not what the agent writes"), error.message);
      assert(error.message.includes(names[0] ?? last), error.message);
    }
  });
}

Deno.test("what is no JSON object is no state", () => {
  for (const text of ["", "null", "[]", '"x"', "{", "{}", formatState(FULL).slice(0, -5)]) {
    assertThrows(() => parseState(text), Error);
  }
});

Deno.test("the largest state that the agent writes is one that it reads", () => {
  const entry = { ...ENTRY, reason: "x".repeat(4096) };
  let ledger: readonly LedgerEntry[] = [];
  for (let count = 0; count < 200; count++) ledger = record(ledger, { ...entry, at: `${count}` });
  assertEquals(ledger.length, MAX_LEDGER_ENTRIES);
  assertEquals(ledger.at(-1)?.at, "199");
  assert(formatState({ ...FULL, ledger }).length < MAX_STATE_BYTES);
});

Deno.test("the last entry of a digest is the last one", () => {
  const ledger = [ENTRY, { ...ENTRY, at: "later" }, { ...ENTRY, digest: "sha256:other" }];
  assertEquals(lastEntry(ledger, "sha256:x")?.at, "later");
  assertEquals(lastEntry(ledger, "sha256:none"), undefined);
});

Deno.test("move() stamps the time, takes changes over, and refuses a step that the table lacks", () => {
  const at = new Date(AT);
  const moved = move(NEW_STATE, "checking", at, { to_version: "2.0.0" });
  const stamps = { updated_at: AT, clock_shown: AT };
  assertEquals(moved, { ...NEW_STATE, phase: "checking", to_version: "2.0.0", ...stamps });
  assertThrows(() => move(NEW_STATE, "success", at), Error, "success cannot follow idle");
});
