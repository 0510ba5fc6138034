import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  EXIT,
  firstRefusal,
  gatesBeforeNetwork,
  gatesOfRelease,
  type NodeFacts,
  parseWindow,
  refusalError,
  type Release,
} from "../../mod/core/mod.ts";
import { NODE, refusing, RELEASE } from "./_gates.ts";

type Confirmed = readonly [string, Partial<NodeFacts>, boolean];

/** Situations for gate `confirmed`: slot A runs in all of them. */
const CONFIRMED: readonly Confirmed[] = [
  ["A confirmed", {}, true],
  ["A on trial", { environment: { active: "A", success: false, counter: 2 } }, false],
  [
    "A on trial, its last boot",
    { environment: { active: "A", success: false, counter: 0 } },
    false,
  ],
  [
    "B activated and not yet booted",
    { environment: { active: "B", success: false, counter: 3 } },
    true,
  ],
  ["B to be booted next, for good", { environment: { active: "B", success: true } }, false],
  [
    "B confirmed, but it could not be loaded",
    { environment: { active: "B", success: true }, boot: { id: "x", slot: "A", why: "fallback" } },
    true,
  ],
  ["A chosen by hand", { boot: { id: "x", slot: "A", why: "manual" } }, false],
  ["no boot environment, but the kernel knows", { environment: undefined }, true],
  [
    "no boot environment, but / knows",
    { environment: undefined, boot: { id: "x", root: "A" } },
    true,
  ],
  ["no boot environment, and nobody knows", { environment: undefined, boot: { id: "x" } }, false],
];

for (const [name, node, passes] of CONFIRMED) {
  Deno.test(`gate confirmed says ${passes ? "yes" : "no"} with ${name}`, () => {
    assertEquals(refusing(node), passes ? [] : ["confirmed"]);
  });
}

Deno.test("a refusal says which gate, what it wanted, what it found and what to do", () => {
  const gates = gatesOfRelease(NODE, { ...RELEASE, channel: "beta" }, 1000, false);
  const refusal = firstRefusal(gates);
  assert(refusal !== undefined);
  const error = refusalError(refusal, "2.0.0");
  assertEquals(EXIT[error.code], 20);
  for (const word of ["gate channel", "2.0.0", "wanted stable", "found beta", "--channel"]) {
    assert(error.message.includes(word), `${error.message} lacks ${word}`);
  }
});

Deno.test("a window's refusal shows the node's clock, and when it opens next", () => {
  const facts = { ...NODE, window: parseWindow("Sat,Sun 22:00-04:00; Mon-Thu 01:00-03:00") };
  const [shut] = gatesBeforeNetwork({ ...facts, now: new Date(2026, 0, 15, 23, 30) }, false);
  assertEquals([shut.gate, shut.passed, shut.wanted], ["window", false, facts.window.text]);
  assertMatch(shut.found, /^Thu 2026-01-15 23:30 [+-]..:.., and it opens Sat 2026-01-17 22:00 /);
  const [open] = gatesBeforeNetwork({ ...facts, now: new Date(2026, 0, 17, 22, 30) }, false);
  assertMatch(open.found, /^Sat 2026-01-17 22:30 [+-]..:..$/);
});

Deno.test("a release expires by the time that is known, and the gate says which that is", () => {
  const now = new Date("1970-01-01T00:03:00Z");
  const time = { at: new Date("2026-06-01T00:00:00Z"), found: "2026-06-01, when it was built" };
  assertEquals(refusing({ now, time }, { expires: "2026-06-01T00:00:00Z" }), ["expired"]);
  assertEquals(refusing({ now, time }, { expires: "2026-06-01T00:00:00.001Z" }), []);
  const release = { ...RELEASE, expires: "2026-05-01T00:00:00Z" };
  const gates = gatesOfRelease({ ...NODE, now, time }, release, 1000, false);
  const expired = gates.find(({ gate }) => gate === "expired");
  assertEquals(
    [expired?.wanted, expired?.found],
    ["a time before 2026-05-01T00:00:00Z", "2026-06-01, when it was built"],
  );
});

Deno.test("the highest floor counts, and the gate says which it is", () => {
  const gate = (facts: Partial<NodeFacts>, release: Partial<Release> = {}) => {
    const gates = gatesOfRelease({ ...NODE, ...facts }, { ...RELEASE, ...release }, 1000, false);
    return gates.find(({ gate }) => gate === "downgrade")?.wanted;
  };
  assertEquals(gate({}), "nothing older than 1.5.0");
  assertEquals(gate({ floor: { version: "1.5.0", min_allowed_version: "1.4.0" } }), gate({}));
  assertEquals(
    gate({ floor: { version: "3.0.0", min_allowed_version: "2.0.0" } }),
    "nothing older than 3.0.0, which was confirmed here",
  );
  assertEquals(
    gate({ floor: { version: "3.0.0", min_allowed_version: "3.0.1" } }),
    "nothing older than 3.0.1, as a release that was confirmed here wants it",
  );
  assertEquals(
    gate({}, { minAllowedVersion: "9.0.0" }),
    "nothing older than 9.0.0, as the release itself wants it",
  );
});

Deno.test("a channel called as a member of every object has no floor of its own", () => {
  const floor = { metadata_versions: { stable: 7 } };
  for (const channel of ["constructor", "__proto__", "toString"]) {
    assertEquals(refusing({ channel, floor }, { channel, metadataVersion: 1 }), []);
  }
});
