import { assertEquals } from "@std/assert";
import {
  firstRefusal,
  type GateName,
  gatesBeforeNetwork,
  gatesOfRelease,
  NEW_STATE,
  type NodeFacts,
  releaseDigest,
} from "../../mod/core/mod.ts";
import { at, NODE, NOON, refusing, RELEASE } from "./_gates.ts";

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
