import { assert, assertEquals } from "@std/assert";
import {
  type Boot,
  type BootStatus,
  type BootVariables,
  type Candidate,
  lastEntry,
  NEW_STATE,
  type Phase,
  settle,
  type Slot,
  type UpdateState,
} from "../../mod/core/mod.ts";

const NOW = new Date("2026-01-15T10:00:00Z");

const CANDIDATE: Candidate = {
  digest: "sha256:x",
  version: "2.0.0",
  slot: "B",
  boot_id: "the boot before",
  boots: 0,
};

function stateIn(phase: Phase, changes: Partial<UpdateState> = {}): UpdateState {
  return { ...NEW_STATE, phase, resting: phase, candidate: CANDIDATE, ...changes };
}

function environment(effective?: BootVariables): BootStatus {
  return { copies: [], effective };
}

const BACK_ON_A: BootVariables = { active: "A", success: true };
const B_ON_TRIAL: BootVariables = { active: "B", success: false, counter: 2 };

interface Situation {
  readonly name: string;
  readonly state: UpdateState;
  readonly boot?: Partial<Boot>;
  readonly running?: Slot;
  readonly effective?: BootVariables;
  /** Undefined: nothing happened. Else: words in the ledger's reason, and its attempts. */
  readonly rolledBack?: readonly [string, number];
}

const SITUATIONS: readonly Situation[] = [
  { name: "nothing was ever done", state: NEW_STATE, effective: BACK_ON_A },
  {
    name: "activated, and not yet rebooted",
    state: stateIn("activated"),
    boot: { id: CANDIDATE.boot_id },
    effective: B_ON_TRIAL,
  },
  {
    name: "activated, taken back by hand, and not yet rebooted",
    state: stateIn("activated"),
    boot: { id: CANDIDATE.boot_id },
    effective: BACK_ON_A,
  },
  {
    name: "activated, and the candidate runs",
    state: stateIn("activated"),
    boot: { slot: "B", why: "trial" },
    running: "B",
    effective: B_ON_TRIAL,
  },
  {
    name: "activated, and GRUB came back after three boots",
    state: stateIn("activated"),
    boot: { why: "rollback" },
    effective: BACK_ON_A,
    rolledBack: ["no health check was confirmed", 3],
  },
  {
    name: "activated, and the boot after GRUB came back was the first that the agent saw",
    state: stateIn("activated", { candidate: { ...CANDIDATE, boots: 2 } }),
    boot: { why: "normal" },
    effective: BACK_ON_A,
    rolledBack: ["came back to the other slot", 2],
  },
  {
    name: "unhealthy twice, and GRUB came back",
    state: stateIn("failed", { candidate: { ...CANDIDATE, boots: 2, unhealthy: "probe: 503" } }),
    boot: { why: "rollback" },
    effective: BACK_ON_A,
    rolledBack: ["probe: 503", 3],
  },
  {
    name: "activated, and GRUB could not load it",
    state: stateIn("activated"),
    boot: { why: "fallback" },
    effective: BACK_ON_A,
    rolledBack: ["could not load slot B", 1],
  },
  {
    name: "activated, and the boot environment was lost",
    state: stateIn("activated"),
    boot: { why: "noenv" },
    rolledBack: ["boot environment was lost", 0],
  },
  {
    name: "activated, and the power went while health was checked",
    state: stateIn("verifying", { candidate: { ...CANDIDATE, boots: 1 } }),
    effective: BACK_ON_A,
    rolledBack: ["came back", 1],
  },
  {
    name: "activated, and a check was cut off by the reboot",
    state: stateIn("checking", { resting: "activated" }),
    boot: { why: "rollback" },
    effective: BACK_ON_A,
    rolledBack: ["no health check was confirmed", 3],
  },
  { name: "staged, and rebooted", state: stateIn("staged"), effective: BACK_ON_A },
  {
    name: "staged, a check cut off, and rebooted",
    state: stateIn("checking", { resting: "staged" }),
    effective: BACK_ON_A,
  },
  {
    name: "activated just before the power went, so that only GRUB knew",
    state: stateIn("staged"),
    boot: { why: "rollback" },
    effective: BACK_ON_A,
    rolledBack: ["no health check was confirmed", 3],
  },
  {
    name: "activated, and the running slot was chosen by hand in the menu",
    state: stateIn("activated"),
    boot: { why: "manual" },
    effective: B_ON_TRIAL,
  },
  {
    name: "activated, and GRUB could not count",
    state: stateIn("activated"),
    boot: { why: "nosave" },
    effective: B_ON_TRIAL,
  },
  {
    name: "a download was cut off: there is no candidate",
    state: stateIn("downloading", { candidate: undefined, resting: "idle" }),
    effective: BACK_ON_A,
  },
];

for (const { name, state, boot, running = "A", effective, rolledBack } of SITUATIONS) {
  Deno.test(`settle(): ${name} → ${rolledBack ? "rolled back" : "as it was"}`, () => {
    const now = { id: "this boot", slot: running, why: "normal", ...boot } as const;
    const settled = settle(state, now, running, environment(effective), NOW);
    assertEquals(settled.rolledBack, rolledBack !== undefined);
    if (!rolledBack) {
      assertEquals(settled.state, state);
      return;
    }
    const [words, attempts] = rolledBack;
    const entry = lastEntry(settled.state.ledger, CANDIDATE.digest);
    assertEquals([entry?.outcome, entry?.attempts], ["rolled_back", attempts]);
    assert(entry?.reason.includes(words), entry?.reason);
    assertEquals(settled.state.phase, "rolled_back");
    assertEquals(settled.state.resting, "rolled_back");
    assertEquals(settled.state.candidate, undefined);
    assert(settled.state.last_error?.includes(words), settled.state.last_error);
    // the second look finds nothing new
    const again = settle(settled.state, now, running, environment(effective), NOW);
    assertEquals([again.rolledBack, again.state], [false, settled.state]);
  });
}

Deno.test("settle() tells what GRUB ran into", () => {
  const told = (why: Boot["why"], effective = BACK_ON_A) =>
    settle(NEW_STATE, { id: "x", why }, "A", environment(effective), NOW).notices.join("; ");
  assertEquals(told("normal"), "");
  assertEquals(told("trial"), "");
  assert(told("nosave").includes("could not record a boot attempt"));
  assert(told("fallback").includes("could not be loaded"));
  assert(told("noenv").includes("no boot environment"));
});

Deno.test("settle() tells which copy of the boot environment is damaged, and of a slot that waits", () => {
  const status: BootStatus = {
    copies: [{ name: "grubenv", problem: "2 bytes" }, {
      name: "grubenv.bak",
      variables: B_ON_TRIAL,
    }],
    effective: B_ON_TRIAL,
  };
  const { notices } = settle(stateIn("activated"), { id: "x", why: "nosave" }, "A", status, NOW);
  assert(notices.some((notice) => notice === "grubenv: 2 bytes"), notices.join("; "));
  assert(notices.some((notice) => notice.includes("slot B (2.0.0) is still the one")));
});
