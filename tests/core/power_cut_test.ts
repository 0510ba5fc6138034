import { assert, assertEquals } from "@std/assert";
import { type HealthCheck, parseState, type UpdateState } from "../../mod/core/mod.ts";
import { type Cut, type MemoryDisk, type Survival, SURVIVALS } from "../fakes/memory_disk.ts";
import {
  bootable,
  completeVersion,
  factoryDisk,
  filesRelease,
  GRUBENV,
  GRUBENV_BAK,
  imageRelease,
  memoryNode,
  type MemoryRelease,
  memorySource,
  oneBoot,
  powerUp,
  STATE_PATH,
} from "../fakes/memory_machine.ts";

/** Boots after which a node that still has something to do is going round in circles. */
const MAX_BOOTS = 16;

/** A release that raises what a node may be offered from then on. */
function raising({ release, bytes }: MemoryRelease): MemoryRelease {
  const floors = { metadataVersion: 7, minAllowedVersion: "0.9.0", date: "2026-05-01T00:00:00Z" };
  return { release: { ...release, ...floors }, bytes };
}

interface Scenario {
  readonly name: string;
  readonly old: MemoryRelease;
  readonly offered: MemoryRelease;
  /** Whether the offered version is well once it runs. */
  readonly healthy: boolean;
  /** Failed health checks after which the agent goes back itself. */
  readonly autoRollbackAfter?: number;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "a good release of files",
    old: filesRelease("1.0.0"),
    offered: raising(filesRelease("2.0.0")),
    healthy: true,
  },
  {
    name: "a bad release of files",
    old: filesRelease("1.0.0"),
    offered: raising(filesRelease("3.0.0")),
    healthy: false,
  },
  {
    name: "a bad release of files that is given up after two health checks",
    old: filesRelease("1.0.0"),
    offered: filesRelease("3.0.0"),
    healthy: false,
    autoRollbackAfter: 2,
  },
  {
    name: "a good image",
    old: imageRelease("1.0.0"),
    offered: raising(imageRelease("2.0.0")),
    healthy: true,
  },
  {
    name: "a bad image",
    old: imageRelease("1.0.0"),
    offered: imageRelease("3.0.0"),
    healthy: false,
  },
];

/** Boots the node again and again until it has nothing left to do. */
async function live(disk: MemoryDisk, scenario: Scenario, firstBoot: number): Promise<void> {
  const known = [scenario.old, scenario.offered];
  const source = memorySource(scenario.offered, 16 << 10);
  for (let boot = firstBoot; boot < firstBoot + MAX_BOOTS; boot++) {
    const booted = powerUp(disk, boot, known);
    assert(booted?.slot, "nothing boots");
    const running = completeVersion(disk, booted.slot, known);
    assert(running, `slot ${booted.slot} boots, but is not complete`);
    const checks: HealthCheck[] = [{
      name: "workload",
      run: () =>
        running === scenario.offered.release.version && !scenario.healthy
          ? Promise.reject(new Error("the workload does not answer"))
          : Promise.resolve(),
    }];
    const node = memoryNode(disk, booted, known);
    const next = await oneBoot(node, source, checks, scenario.autoRollbackAfter);
    if (next === "done") return;
    disk.syncAll();
  }
  throw new Error(`not done after ${MAX_BOOTS} boots`);
}

function stateOf(disk: MemoryDisk): UpdateState {
  return parseState(new TextDecoder().decode(disk.get(STATE_PATH)));
}

/** What must be true in the end, however often the power went. */
function assertEnd(disk: MemoryDisk, { old, offered, healthy }: Scenario): void {
  const known = [old, offered];
  const booted = powerUp(disk, 99, known);
  assert(booted?.slot);
  assertEquals(booted.why, "normal", "GRUB still has something to decide");
  assertEquals(
    completeVersion(disk, booted.slot, known),
    (healthy ? offered : old).release.version,
  );
  assertEquals(disk.get(GRUBENV), disk.get(GRUBENV_BAK), "the copies differ");
  const state = stateOf(disk);
  assertEquals(state.phase, healthy ? "success" : "rolled_back");
  const last = state.ledger.at(-1);
  assertEquals(last?.outcome, healthy ? "success" : "rolled_back");
  assertEquals(last?.version, offered.release.version);
  if (offered.release.metadataVersion === undefined) return;
  assertEquals(state.floor, {
    version: (healthy ? offered : old).release.version,
    ...healthy ? { min_allowed_version: "0.9.0" } : {},
    metadata_versions: { stable: 7 },
    time: "2026-05-01T00:00:00Z",
  });
}

/** The durable steps of a run with no cut. */
async function stepsOf(scenario: Scenario): Promise<readonly string[]> {
  const disk = factoryDisk(scenario.old);
  await live(disk, scenario, 1);
  assertEnd(disk, scenario);
  return [...disk.steps];
}

async function runWithCut(scenario: Scenario, cut: Cut, survival: Survival): Promise<void> {
  const disk = factoryDisk(scenario.old);
  disk.cutAt(cut);
  try {
    await live(disk, scenario, 1);
  } catch (error) {
    if (!disk.off) throw error;
  }
  const after = disk.powerOn(survival);
  const known = [scenario.old, scenario.offered];
  for (const slot of ["A", "B"] as const) {
    const trusted = bootable(after, slot, known);
    assert(!trusted || completeVersion(after, slot, known), `slot ${slot} boots half written`);
  }
  await live(after, scenario, 50);
  assertEnd(after, scenario);
}

for (const scenario of SCENARIOS) {
  Deno.test(`a power cut at any durable step of ${scenario.name} ends well`, async () => {
    const steps = await stepsOf(scenario);
    let cases = 0;
    for (let step = 0; step <= steps.length; step++) {
      for (const torn of steps[step]?.startsWith("write") ? [false, true] : [false]) {
        for (const survival of SURVIVALS) {
          try {
            await runWithCut(scenario, { step, torn }, survival);
          } catch (error) {
            const where = `${torn ? "in" : "before"} step ${step} (${steps[step]}), ${survival}`;
            throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
          }
          cases++;
        }
      }
    }
    console.log(`  ${scenario.name}: ${steps.length} durable steps, ${cases} power cuts`);
    assert(cases > 100);
  });
}
