import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  apply,
  type Boot,
  check,
  formatFloor,
  type HealthCheck,
  healthcheck,
  NEW_STATE,
  type Node,
  parseFloor,
  type Policy,
  type Release,
  rollback,
  type Slot,
  type Trust,
  UpdateError,
  type UpdateState,
} from "../../mod/core/mod.ts";
import type { MemoryDisk } from "../fakes/memory_disk.ts";
import {
  factoryDisk,
  filesRelease,
  imageRelease,
  memoryNode,
  type MemoryRelease,
  memorySource,
  oneBoot,
  POLICY,
  powerUp,
  STATE_PATH,
} from "../fakes/memory_machine.ts";

const WELL: HealthCheck = { name: "well", run: () => Promise.resolve() };
const ILL: HealthCheck = { name: "ill", run: () => Promise.reject(new Error("503")) };

function release(version: string, changes: Partial<Release> = {}): MemoryRelease {
  const { release, bytes } = filesRelease(version);
  return { release: { ...release, ...changes }, bytes };
}

/** A machine that is booted again and again, offered one release after another. */
class Machine {
  readonly disk: MemoryDisk;
  readonly known: MemoryRelease[] = [];
  #boots = 0;

  constructor(first: MemoryRelease) {
    this.disk = factoryDisk(first);
    this.known.push(first);
  }

  boot(): Node {
    this.disk.syncAll();
    const booted = powerUp(this.disk, ++this.#boots, this.known);
    assert(booted);
    return memoryNode(this.disk, booted as Boot, this.known);
  }

  /** Boots until there is nothing left to do. */
  async live(offered: MemoryRelease, checks: readonly HealthCheck[] = [WELL]): Promise<void> {
    this.known.push(offered);
    for (let boots = 0; boots < 8; boots++) {
      const node = this.boot();
      const bad = node.boot.why === "trial" ? checks : [WELL];
      if (await oneBoot(node, memorySource(offered), bad) === "done") return;
    }
    throw new Error("it goes round in circles");
  }

  async offer(offered: MemoryRelease): Promise<string> {
    const { refusal, result } = await check(this.boot(), memorySource(offered), POLICY);
    return refusal?.gate ?? result;
  }

  async state(): Promise<UpdateState> {
    return (await this.boot().states.load()).state;
  }

  /** As after a reinstallation of the data partition. */
  wipeState(): void {
    this.disk.put(STATE_PATH, JSON.stringify(NEW_STATE));
  }

  wipeFloorOf(slot: Slot): void {
    this.disk.put(`/mnt/KSOLO${slot}/floor`, "");
  }
}

Deno.test("an old release that was confirmed once is not taken after a newer one, whatever was lost", async () => {
  const old = release("2.0.0", { metadataVersion: 1 });
  const machine = new Machine(filesRelease("1.0.0"));
  await machine.live(old);
  await machine.live(release("3.0.0", { metadataVersion: 2 }));
  assertEquals((await machine.state()).floor?.version, "3.0.0");
  assertEquals(await machine.offer(old), "metadata_version");
  machine.wipeState();
  assertEquals(await machine.offer(old), "metadata_version");
  machine.wipeFloorOf("A");
  machine.wipeFloorOf("B");
  assertEquals(await machine.offer(old), "downgrade", "the running version itself");
});

Deno.test("a release that failed raises no version: a repaired one in between is taken", async () => {
  const machine = new Machine(filesRelease("2.0.0"));
  const bad = release("3.0.0", { metadataVersion: 5, minAllowedVersion: "3.0.0" });
  await machine.live(bad, [ILL]);
  const { floor, phase } = await machine.state();
  assertEquals(phase, "rolled_back");
  assertEquals(floor, { version: "2.0.0", metadata_versions: { stable: 5 } });
  assertEquals(await machine.offer(release("2.0.1")), "metadata_version", "it has to be newer");
  const repaired = release("2.0.1", { metadataVersion: 6 });
  assertEquals(await machine.offer(repaired), "available");
  machine.wipeState();
  assertEquals(await machine.offer(repaired), "available", "nor does what is kept in its slot");
  assertEquals(await machine.offer(release("2.0.1")), "metadata_version");
  await machine.live(repaired);
  assertEquals((await machine.state()).floor?.version, "2.0.1");
});

Deno.test("what was confirmed stays the floor after a rollback by hand", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  await machine.live(release("2.0.0"));
  await machine.live(release("3.0.0"));
  assertEquals((await rollback(machine.boot())).version, "2.0.0");
  assertEquals(await machine.offer(release("2.0.1")), "downgrade");
  assertEquals(await machine.offer(release("3.0.1")), "available");
});

for (
  const [kind, make] of [["files", filesRelease], ["an image", imageRelease]] as const
) {
  Deno.test(`a floor that a release of ${kind} raises holds back rollbacks, once it is confirmed`, async () => {
    const { release, bytes } = make("2.0.0");
    const machine = new Machine(make("1.0.0"));
    await machine.live(make("1.1.0"));
    await machine.live({ release: { ...release, minAllowedVersion: "1.5.0" }, bytes });
    const error = await assertRejects(() => rollback(machine.boot()), UpdateError);
    assertEquals([error.code, error.found], [
      "refused",
      "1.1.0, where a release that was confirmed here wants nothing older than 1.5.0",
    ]);
    if (kind === "files") {
      machine.wipeState();
      await assertRejects(() => rollback(machine.boot()), UpdateError, "1.5.0");
    }
    assertEquals((await rollback(machine.boot(), true)).version, "1.1.0");
  });
}

Deno.test("GRUB goes back below a floor that was not confirmed, and so does the agent", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  await machine.live(release("2.0.0", { minAllowedVersion: "2.0.0" }), [ILL]);
  const { phase, floor } = await machine.state();
  assertEquals([phase, floor?.min_allowed_version], ["rolled_back", undefined]);
});

Deno.test("a release on trial may be left by hand, whatever floor it would raise", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  const offered = release("2.0.0", { minAllowedVersion: "2.0.0" });
  machine.known.push(offered);
  assertEquals(await oneBoot(machine.boot(), memorySource(offered), [WELL]), "reboot");
  const trial = machine.boot();
  assertEquals(trial.boot.why, "trial");
  assertEquals((await rollback(trial)).version, "1.0.0");
});

Deno.test("metadata that withdraw a release count, though there is nothing to do", async () => {
  const machine = new Machine(filesRelease("2.0.0"));
  const bad = release("3.0.0", { metadataVersion: 7 });
  assertEquals(await machine.offer(bad), "available");
  await apply(machine.boot(), memorySource(release("2.0.0", { metadataVersion: 8 })), POLICY);
  assertEquals(await machine.offer(bad), "metadata_version");
});

Deno.test("metadata that are refused raise nothing", async () => {
  const machine = new Machine(filesRelease("2.0.0"));
  const wrong: readonly Partial<Release>[] = [
    { channel: "beta" },
    { architecture: "riscv64" },
    { expires: "2026-05-31T00:00:00Z" },
  ];
  for (const changes of wrong) {
    for (const version of ["2.0.0", "3.0.0"]) {
      const offered = release(version, { metadataVersion: 9, ...changes });
      await apply(machine.boot(), memorySource(offered), POLICY).catch(() => {});
      assertEquals((await machine.state()).floor?.metadata_versions, undefined, version);
    }
  }
});

Deno.test("a check raises nothing", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  await machine.offer(release("2.0.0", { metadataVersion: 9 }));
  assertEquals((await machine.state()).floor, undefined);
});

Deno.test("an expired release is refused on a node whose clock was set back", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  await machine.live(release("2.0.0", { date: "2026-07-01T00:00:00Z" }));
  const old = memorySource(release("3.0.0", { expires: "2026-06-15T00:00:00Z" }));
  const at = (clock: string, policy: Partial<Policy> = {}) =>
    check({ ...machine.boot(), now: () => new Date(clock) }, old, { ...POLICY, ...policy });
  for (const clock of ["1970-01-01T00:00:00Z", "2026-06-01T00:00:00Z"]) {
    const { refusal } = await at(clock);
    assertEquals([refusal?.gate, refusal?.found], [
      "expired",
      `2026-07-01T00:00:00.000Z, the date of a release that was taken; the node's clock shows ${
        new Date(clock).toISOString()
      }`,
    ]);
    const offlineTime = new Date("2026-06-14T00:00:00Z");
    assertEquals((await at(clock, { offlineTime })).refusal?.gate, "expired", "said by nobody");
  }
  machine.wipeState();
  assertEquals((await at("1970-01-01T00:00:00Z")).refusal?.gate, "expired", "the slot knows it");
});

Deno.test("what the clock has shown stays known, however often the agent runs with a clock that was set back", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  await machine.live(release("2.0.0"));
  const old = release("3.0.0", { expires: "2026-06-15T00:00:00Z" });
  machine.known.push(old);
  const gateAt = async (clock: string, policy: Partial<Policy> = {}) => {
    const node = { ...machine.boot(), now: () => new Date(clock) };
    try {
      return (await apply(node, memorySource(old), { ...POLICY, ...policy })).result;
    } catch (error) {
      assert(error instanceof UpdateError, `${error}`);
      return error.operation;
    }
  };
  for (const day of ["20", "14", "14", "14"]) {
    assertEquals(await gateAt(`2026-06-${day}T00:00:00Z`), "gate expired for 3.0.0");
  }
  const offlineTime = new Date("2026-06-13T00:00:00Z");
  assertEquals(await gateAt("2026-06-14T00:00:00Z", { offlineTime }), "staged");
  assertEquals(await gateAt("2026-06-14T00:00:00Z"), "already_staged", "the operator's word stays");
  assertEquals(await gateAt("2026-06-16T00:00:00Z"), "gate expired for 3.0.0");
});

Deno.test("an image may bring a floor of its own", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  machine.disk.put("/mnt/KSOLOB/floor", formatFloor({ metadata_versions: { stable: 3 } }));
  assertEquals(await machine.offer(release("2.0.0", { metadataVersion: 2 })), "metadata_version");
  assertEquals(await machine.offer(release("2.0.0", { metadataVersion: 3 })), "available");
});

Deno.test("a floor in a slot that cannot be read counts for nothing", async () => {
  const garbled = ["", "null", "[]", "{", '{"version":"x"}', '{"metadata_versions":{"stable":-1}}'];
  for (const text of [...garbled, " ".repeat((64 << 10) + 1)]) {
    const machine = new Machine(filesRelease("1.0.0"));
    machine.disk.put("/mnt/KSOLOB/floor", text);
    assertEquals(await machine.offer(release("2.0.0")), "available", text.slice(0, 40));
    if (text.length < 100) assertThrows(() => parseFloor(text), Error);
  }
});

/** Trust in the root of this version. */
function rootedAt(version: number): Trust {
  return {
    wanted: `a signature of root ${version}`,
    judge: () => Promise.reject(new Error("the source has done that")),
    stillBelieves: () => true,
    chain: { next: version + 1, extend: () => Promise.reject(new Error("not published")) },
  };
}

Deno.test("a node that has had a root of trust believes none before it, whatever was lost", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  const signed = (version: string) => release(version, { signedBy: ["ops"] });
  await apply(machine.boot(), memorySource(signed("2.0.0")), { ...POLICY, trust: rootedAt(3) });
  assertEquals((await machine.state()).floor?.root_version, 3);
  for (const isLost of [false, true]) {
    if (isLost) machine.wipeState();
    const ask = (root: number) =>
      check(machine.boot(), memorySource(signed("3.0.0")), { ...POLICY, trust: rootedAt(root) });
    const error = await assertRejects(() => ask(2), UpdateError);
    assertEquals(error.code, "verification");
    assertEquals(error.found, "version 2, where this node has had version 3");
    for (const root of [3, 4]) assertEquals((await ask(root)).result, "available");
  }
});

Deno.test("a health check that finds the state lost confirms what the slot says", async () => {
  const machine = new Machine(filesRelease("1.0.0"));
  const offered = release("2.0.0", { minAllowedVersion: "1.5.0", metadataVersion: 4 });
  machine.known.push(offered);
  assertEquals(await oneBoot(machine.boot(), memorySource(offered), [WELL]), "reboot");
  machine.wipeState();
  const node = machine.boot();
  await healthcheck(node, [WELL], { timeoutSeconds: 5, deadlineSeconds: 0 });
  assertEquals((await machine.state()).floor, {
    version: "2.0.0",
    min_allowed_version: "1.5.0",
    metadata_versions: { stable: 4 },
  });
});
