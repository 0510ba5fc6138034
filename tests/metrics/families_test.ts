import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { GATES, NEW_STATE, PHASES, type UpdateState } from "../../mod/core/mod.ts";
import {
  familiesOf,
  type NodeReading,
  OPEN_METRICS_TEXT,
  PARTS,
  PROMETHEUS_TEXT,
} from "../../mod/metrics/mod.ts";
import { parseText } from "./_parse_text.ts";

const AT = "2026-01-15T10:00:00.500Z";
const LATER = "2026-01-16T10:00:00Z";
const agent = { version: "0.1.0", architecture: "x86_64", runtime: "2.7.11" };

const STATE: UpdateState = {
  ...NEW_STATE,
  phase: "failed",
  resting: "failed",
  attempt_count: 2,
  attempts_total: 7,
  started_at: AT,
  updated_at: AT,
  offered: { version: "2.0.0", at: AT },
  refusals: { window: 3, ledger: 1, "of another version": 9 },
  last_refusal: { gate: "ledger", wanted: "", found: "", at: AT },
  last_download: { bytes: 4096, seconds: 1.25, at: AT },
  health: {
    results: [
      { name: "probe", passed: false, milliseconds: 1500, tries: 1, reason: "503" },
      { name: "data-partition", passed: true, milliseconds: 12, tries: 1 },
    ],
    at: AT,
  },
  ledger: ["success", "rolled_back", "rolled_back"].map((outcome) => ({
    digest: "sha256:x",
    version: "1.0.0",
    outcome: outcome as "success",
    reason: "",
    attempts: 1,
    at: AT,
  })),
};

const FULL: NodeReading = {
  agent,
  boot: { id: "one", slot: "A", why: "normal" },
  running: "A",
  version: "1.0.0",
  environment: {
    copies: [
      { name: "grubenv", problem: "all zero bytes" },
      { name: "grubenv.bak", variables: { active: "B", counter: 2, success: false } },
    ],
    effective: { active: "B", counter: 2, success: false },
  },
  memory: { total: 2048, available: 1024 },
  state: STATE,
  problems: {},
};

/** Every series as `name{label=value}`. */
function seriesOf(reading: NodeReading): Record<string, number> {
  const families = parseText(PROMETHEUS_TEXT.write(familiesOf(reading)), false);
  return Object.fromEntries(
    families.flatMap(({ name, samples }) =>
      samples.map(({ labels, value }) => {
        const pairs = Object.entries(labels ?? {}).map(([label, text]) => `${label}=${text}`);
        return [`${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""}`, value];
      })
    ),
  );
}

/** 0 for all but one of `names`. */
function zeroes(name: string, label: string, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((value) => [`${name}{${label}=${value}}`, 0]));
}

Deno.test("every series of a node on which all can be read", () => {
  const seconds = Date.parse(AT) / 1000;
  assertEquals(seriesOf(FULL), {
    "kubesolo_os_info{version=1.0.0,slot=A,boot=normal,architecture=x86_64}": 1,
    "kubesolo_os_boot_slot{slot=A}": 0,
    "kubesolo_os_boot_slot{slot=B}": 1,
    "kubesolo_os_boot_attempts_left": 2,
    "kubesolo_os_boot_success": 0,
    "kubesolo_os_grubenv_readable{copy=grubenv}": 0,
    "kubesolo_os_grubenv_readable{copy=grubenv.bak}": 1,
    "kubesolo_os_memory_total_bytes": 2048,
    "kubesolo_os_memory_available_bytes": 1024,
    "kubesolo_update_build_info{version=0.1.0,architecture=x86_64,runtime=2.7.11}": 1,
    "kubesolo_update_state_readable": 1,
    ...zeroes("kubesolo_update_scrape_problem", "part", PARTS),
    ...zeroes("kubesolo_update_phase", "phase", PHASES),
    "kubesolo_update_phase{phase=failed}": 1,
    "kubesolo_update_phase_timestamp_seconds": seconds,
    "kubesolo_update_available": 1,
    "kubesolo_update_withheld": 0,
    "kubesolo_update_offered_info{version=2.0.0}": 1,
    "kubesolo_update_offered_timestamp_seconds": seconds,
    "kubesolo_update_attempts_total": 7,
    "kubesolo_update_last_attempt_timestamp_seconds": seconds,
    ...zeroes("kubesolo_update_refusals_total", "gate", GATES),
    "kubesolo_update_refusals_total{gate=window}": 3,
    "kubesolo_update_refusals_total{gate=ledger}": 1,
    ...zeroes("kubesolo_update_refused", "gate", GATES),
    "kubesolo_update_refused{gate=ledger}": 1,
    "kubesolo_update_last_download_bytes": 4096,
    "kubesolo_update_last_download_seconds": 1.25,
    "kubesolo_update_health_check_passed{check=probe}": 0,
    "kubesolo_update_health_check_passed{check=data-partition}": 1,
    "kubesolo_update_health_check_duration_seconds{check=probe}": 1.5,
    "kubesolo_update_health_check_duration_seconds{check=data-partition}": 0.012,
    "kubesolo_update_health_check_timestamp_seconds": seconds,
    "kubesolo_update_ledger_entries{outcome=success}": 1,
    "kubesolo_update_ledger_entries{outcome=rolled_back}": 2,
  });
});

Deno.test("what cannot be read has no series, and is named as a problem", () => {
  const problems = Object.fromEntries(PARTS.map((part) => [part, "gone"]));
  assertEquals(seriesOf({ agent, problems }), {
    "kubesolo_update_build_info{version=0.1.0,architecture=x86_64,runtime=2.7.11}": 1,
    "kubesolo_update_state_readable": 0,
    ...Object.fromEntries(PARTS.map((p) => [`kubesolo_update_scrape_problem{part=${p}}`, 1])),
  });
  const { effective: _, ...garbled } = FULL.environment ?? { copies: [] };
  const names = Object.keys(seriesOf({ ...FULL, environment: garbled }));
  assertEquals(names.filter((name) => name.startsWith("kubesolo_os_boot")), []);
  assert(names.includes("kubesolo_os_grubenv_readable{copy=grubenv}"));
});

Deno.test("a node on which nothing has happened has all nine phases, all gates, and no update", () => {
  const series = seriesOf({ ...FULL, state: NEW_STATE });
  assertEquals(
    Object.entries(series).filter(([name]) => name.startsWith("kubesolo_update_phase{")),
    PHASES.map((phase) => [`kubesolo_update_phase{phase=${phase}}`, phase === "idle" ? 1 : 0]),
  );
  assertEquals(series["kubesolo_update_available"], 0);
  assertEquals(series["kubesolo_update_attempts_total"], 0);
  assertEquals(series["kubesolo_update_last_download_bytes"], undefined);
});

Deno.test("an update is available where it is newer than what runs, and else unknown or not", () => {
  const cases: readonly [offered: string, running: string | undefined, value?: number][] = [
    ["2.0.0", "1.0.0", 1],
    ["2.0.0", "2.0.0", 0],
    ["1.0.0", "2.0.0", 0],
    ["2026.02.01", "2026.01.15", 1],
    ["2.0.0", undefined],
    ["2.0.0", "a build of mine"],
  ];
  for (const [offered, version, value] of cases) {
    const state = { ...STATE, offered: { version: offered, at: AT } };
    assertEquals(seriesOf({ ...FULL, version, state })["kubesolo_update_available"], value);
  }
});

Deno.test("while updates are held back nobody knows that there is none", () => {
  const cases = [["2.0.0", 1], ["1.0.0", undefined]] as const;
  for (const [version, value] of cases) {
    const state = { ...STATE, offered: { version, at: AT }, withheld: { why: "busy", at: LATER } };
    const series = seriesOf({ ...FULL, state });
    const answered = series["kubesolo_update_offered_timestamp_seconds"];
    assertEquals(answered, Date.parse(LATER) / 1000, "it does ask");
    assertEquals(series["kubesolo_update_available"], value);
    assertEquals(series["kubesolo_update_withheld"], 1);
  }
});

Deno.test("health checks that are many, or have one name, cost no scrape", () => {
  const results = Array.from({ length: 1000 }, (_, at) => ({
    name: at < 2 ? "twice" : `check ${at}`,
    passed: true,
    milliseconds: 1,
    tries: 1,
  }));
  const names = Object.keys(
    seriesOf({ ...FULL, state: { ...STATE, health: { results, at: AT } } }),
  );
  assertEquals(names.filter((name) => name.includes("_check_passed")).length, 31);
});

Deno.test("a counter that is nonsense is what GRUB takes it for", () => {
  const effective = { active: "A", success: false } as const;
  const series = seriesOf({ ...FULL, environment: { copies: [], effective } });
  assertEquals(series["kubesolo_os_boot_attempts_left"], 0);
});

Deno.test("whatever stands in the state, both formats can be written and read", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("probe", "probe\u0000", ""));
  const health = fc.record({
    results: fc.array(fc.record({
      name: text,
      passed: fc.boolean(),
      milliseconds: fc.double({ min: 0 }),
      tries: fc.nat(),
    })),
    at: text,
  });
  const state: fc.Arbitrary<UpdateState> = fc.record({
    phase: fc.constantFrom(...PHASES),
    resting: fc.constantFrom(...PHASES),
    attempt_count: fc.nat(),
    attempts_total: fc.option(fc.maxSafeNat(), { nil: undefined }),
    updated_at: fc.option(text, { nil: undefined }),
    refusals: fc.dictionary(text, fc.nat()),
    offered: fc.record({ version: text, at: text }),
    withheld: fc.option(fc.record({ why: text, at: text }), { nil: undefined }),
    health,
    slots: fc.constant({}),
    ledger: fc.constant([]),
  });
  fc.assert(fc.property(state, fc.option(text, { nil: undefined }), (state, version) => {
    const families = familiesOf({ ...FULL, state, version });
    for (const [format, open] of [[PROMETHEUS_TEXT, false], [OPEN_METRICS_TEXT, true]] as const) {
      const read = parseText(format.write(families), open);
      assertEquals(read.length, families.filter(({ samples }) => samples.length > 0).length);
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x09\x0b-\x1f]/.test(format.write(families)));
    }
  }));
});
