import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  EXIT,
  firstRefusal,
  type GateName,
  gatesBeforeNetwork,
  gatesOfRelease,
  NEW_STATE,
  type NodeFacts,
  parseWindow,
  refusalError,
  type Release,
  releaseDigest,
} from "../../mod/core/mod.ts";

const RELEASE: Release = {
  version: "2.0.0",
  channel: "stable",
  architecture: "x86_64",
  minCompatibleVersion: "1.0.0",
  artifacts: [
    { name: "vmlinuz", sha256: "a".repeat(64), size: 600 },
    { name: "kubesolo-os.gz", sha256: "b".repeat(64), size: 400 },
  ],
};

const NOON = "2026-01-15T12:00:00Z";

const NODE: NodeFacts = {
  boot: { id: "this boot", slot: "A", why: "normal" },
  running: "A",
  version: "1.5.0",
  architecture: "x86_64",
  channel: "stable",
  environment: { active: "A", success: true, counter: 3 },
  state: NEW_STATE,
  now: new Date(NOON),
};

/** Half past eleven in the evening, with this window. */
function at(window: string): Partial<NodeFacts> {
  return { now: new Date(2026, 0, 15, 23, 30), window: parseWindow(window) };
}

function failedBefore(outcome: "rolled_back" | "success"): NodeFacts["state"] {
  const digest = releaseDigest(RELEASE);
  const entry = {
    digest,
    version: "2.0.0",
    outcome,
    reason: "no network",
    attempts: 3,
    at: "then",
  };
  return { ...NEW_STATE, ledger: [entry] };
}

/** The gates that say no. */
function refusing(
  node: Partial<NodeFacts> = {},
  release: Partial<Release> = {},
  { available = 1000, force = false } = {},
): GateName[] {
  const facts = { ...NODE, ...node };
  const gates = [
    ...gatesBeforeNetwork(facts, force),
    ...gatesOfRelease(facts, { ...RELEASE, ...release }, available, force),
  ];
  return gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
}

Deno.test("a node that is well and a release that suits it pass every gate, in order", () => {
  const gates = [
    ...gatesBeforeNetwork(NODE, false),
    ...gatesOfRelease(NODE, RELEASE, 1000, false),
  ];
  assertEquals(gates.map(({ gate }) => gate), [
    "window",
    "label",
    "confirmed",
    "signature",
    "expired",
    "metadata_version",
    "channel",
    "architecture",
    "min_compatible_version",
    "downgrade",
    "ledger",
    "room",
  ]);
  assertEquals(firstRefusal(gates), undefined);
});

/** Each gate, what it says no to, and the nearest thing that it says yes to. */
const BOTH_WAYS: readonly {
  readonly gate: GateName;
  readonly no: Parameters<typeof refusing>;
  readonly yes: Parameters<typeof refusing>;
}[] = [
  { gate: "window", no: [at("22:00-23:30")], yes: [at("22:00-23:31")] },
  { gate: "window", no: [at("23:31-04:00")], yes: [at("23:30-04:00")] },
  {
    gate: "label",
    no: [{ label: { blocked: true, found: "block=true" } }],
    yes: [{ label: { blocked: false, found: "block=false" } }],
  },
  {
    gate: "label",
    no: [{ label: { blocked: true, found: "block=true" } }],
    yes: [{ label: { blocked: true, found: "block=true" } }, {}, { force: true }],
  },
  {
    gate: "expired",
    no: [{}, { expires: NOON }],
    yes: [{ now: new Date(Date.parse(NOON) - 1) }, { expires: NOON }],
  },
  {
    gate: "expired",
    no: [{}, { expires: "2026-01-15T13:00:00+01:00" }],
    yes: [{}, { expires: "2026-01-15T11:00:00.001-01:00" }],
  },
  {
    gate: "channel",
    no: [{}, { channel: "beta" }],
    yes: [{ channel: "beta" }, { channel: "beta" }],
  },
  { gate: "channel", no: [{ channel: "beta" }], yes: [{}, { channel: undefined }] },
  {
    gate: "architecture",
    no: [{}, { architecture: "aarch64" }],
    yes: [{}, { architecture: undefined }],
  },
  {
    gate: "min_compatible_version",
    no: [{}, { minCompatibleVersion: "1.5.1" }],
    yes: [{}, { minCompatibleVersion: "1.5.0" }],
  },
  {
    gate: "min_compatible_version",
    no: [{ version: "1.0.0-rc1" }],
    yes: [{ version: "1.0.0" }],
  },
  { gate: "downgrade", no: [{}, { version: "1.4.9" }], yes: [{}, { version: "1.5.0" }] },
  {
    gate: "downgrade",
    no: [{ version: "2026.01.15" }, { version: "2025.12.31" }],
    yes: [{ version: "2025.12.31" }, { version: "2026.01.15" }],
  },
  {
    gate: "downgrade",
    no: [{ floor: { version: "2.0.1" } }],
    yes: [{ floor: { version: "2.0.0" } }],
  },
  {
    gate: "downgrade",
    no: [{ floor: { min_allowed_version: "2.0.0" } }, { version: "2.0.0-rc1" }],
    yes: [{ floor: { min_allowed_version: "2.0.0" } }],
  },
  {
    gate: "downgrade",
    no: [{}, { minAllowedVersion: "2.0.1" }],
    yes: [{}, { minAllowedVersion: "2.0.0" }],
  },
  {
    gate: "metadata_version",
    no: [{ floor: { metadata_versions: { stable: 7 } } }, { metadataVersion: 6 }],
    yes: [{ floor: { metadata_versions: { stable: 7 } } }, { metadataVersion: 7 }],
  },
  {
    gate: "metadata_version",
    no: [{ floor: { metadata_versions: { stable: 1 } } }],
    yes: [{ floor: { metadata_versions: { beta: 1 } } }],
  },
  {
    gate: "ledger",
    no: [{ state: failedBefore("rolled_back") }],
    yes: [{ state: failedBefore("success") }],
  },
  { gate: "room", no: [{}, {}, { available: 999 }], yes: [{}, {}, { available: 1000 }] },
];

for (const { gate, no, yes } of BOTH_WAYS) {
  Deno.test(`gate ${gate} alone says no to ${JSON.stringify(no)}, and yes to ${JSON.stringify(yes)}`, () => {
    assertEquals(refusing(...no), [gate]);
    assertEquals(refusing(...yes), []);
  });
}

Deno.test("a node that does not know its own version takes no release that needs one", () => {
  for (const version of [undefined, "unknown"]) {
    assertEquals(refusing({ version }), ["min_compatible_version", "downgrade"]);
    assertEquals(refusing({ version }, { minCompatibleVersion: undefined }), ["downgrade"]);
  }
});

Deno.test("a release of unknown size is not refused for its size", () => {
  const artifacts = [{ name: "image", sha256: "a".repeat(64) } as const];
  assertEquals(refusing({}, { artifacts }, { available: 1 }), []);
});

Deno.test("the ledger's last word on a digest counts", () => {
  const [failed, well] = [failedBefore("rolled_back"), failedBefore("success")];
  const ledger = [...failed.ledger, ...well.ledger];
  assertEquals(refusing({ state: { ...NEW_STATE, ledger } }), []);
  assertEquals(refusing({ state: { ...NEW_STATE, ledger: ledger.toReversed() } }), ["ledger"]);
});

Deno.test("a repaired release of the same version is another release", () => {
  const artifacts = [RELEASE.artifacts[0], { ...RELEASE.artifacts[1], sha256: "c".repeat(64) }];
  assertEquals(refusing({ state: failedBefore("rolled_back") }, { artifacts }), []);
});

Deno.test("force skips the window and the ledger, and nothing else", () => {
  const node: Partial<NodeFacts> = {
    ...at("01:00-02:00"),
    state: failedBefore("rolled_back"),
    environment: { active: "A", success: false, counter: 2 },
  };
  const artifacts = RELEASE.artifacts;
  const release = { channel: "beta", architecture: "riscv64", version: "1.0.0", artifacts };
  const strict = { ...release, minCompatibleVersion: "9.0.0", expires: "2026-01-02T00:00:00Z" };
  assertEquals(refusing(node, strict, { available: 1 }), [
    "window",
    "confirmed",
    "expired",
    "channel",
    "architecture",
    "min_compatible_version",
    "downgrade",
    "ledger",
    "room",
  ]);
  assertEquals(refusing(node, strict, { available: 1, force: true }), [
    "confirmed",
    "expired",
    "channel",
    "architecture",
    "min_compatible_version",
    "downgrade",
    "room",
  ]);
});

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
