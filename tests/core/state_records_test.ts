import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  apply,
  type HealthCheck,
  healthcheck,
  type Node,
  parseWindow,
  UpdateError,
  type UpdateEvent,
  type UpdateState,
} from "../../mod/core/mod.ts";
import type { MemoryDisk } from "../fakes/memory_disk.ts";
import {
  factoryDisk,
  filesRelease,
  memoryNode,
  memorySource,
  POLICY,
} from "../fakes/memory_machine.ts";

const [OLD, NEW, NEWER] = ["1.0.0", "2.0.0", "3.0.0"].map((version) => filesRelease(version));

function factory(confirmed = true): { disk: MemoryDisk; node: Node; events: UpdateEvent[] } {
  const disk = factoryDisk(OLD, confirmed);
  const events: UpdateEvent[] = [];
  const boot = { id: "boot-1", slot: "A", why: confirmed ? "normal" : "trial" } as const;
  return { disk, node: memoryNode(disk, boot, [OLD, NEW, NEWER], events), events };
}

async function stateOf(node: Node): Promise<UpdateState> {
  return (await node.states.load()).state;
}

const WELL: HealthCheck = { name: "well", run: () => Promise.resolve() };
const ILL: HealthCheck = { name: "ill", run: () => Promise.reject(new Error("503")) };
const ONCE = { timeoutSeconds: 5, deadlineSeconds: 0 };

Deno.test("apply keeps what was offered, what came, and how often it was tried", async () => {
  const { node } = factory();
  await apply(node, memorySource(NEW), POLICY);
  const { offered, last_download, attempts_total, attempt_count } = await stateOf(node);
  assertEquals(offered, { version: "2.0.0", at: "2026-06-01T12:00:00.000Z" });
  assertEquals(last_download?.bytes, 1600, "a kernel and an initramfs");
  assert(last_download && last_download.seconds >= 0 && last_download.seconds < 60);
  assertEquals([attempts_total, attempt_count], [1, 1]);

  await apply(node, memorySource(NEW), POLICY);
  assertEquals((await stateOf(node)).attempts_total, 1, "it was there already");

  await apply(node, memorySource(NEWER), POLICY);
  const later = await stateOf(node);
  assertEquals([later.attempts_total, later.attempt_count], [2, 1], "another version");
  assertEquals(later.offered?.version, "3.0.0");
});

Deno.test("apply keeps what was offered when there is nothing to do, and when it is refused", async () => {
  const { node } = factory();
  await apply(node, memorySource(OLD), POLICY);
  assertEquals((await stateOf(node)).offered?.version, "1.0.0");

  const window = { ...POLICY, window: parseWindow("03:00-03:01") };
  for (let times = 0; times < 2; times++) {
    await assertRejects(() => apply(node, memorySource(NEW), window), UpdateError, "gate window");
  }
  const early = await stateOf(node);
  assertEquals([early.offered?.version, early.refusals], ["1.0.0", { window: 2 }]);

  const channel = { ...POLICY, channel: "beta" };
  await assertRejects(() => apply(node, memorySource(NEW), channel), UpdateError, "gate channel");
  const late = await stateOf(node);
  assertEquals([late.offered?.version, late.refusals], ["2.0.0", { window: 2, channel: 1 }]);
  assertEquals(late.attempts_total, undefined, "nothing was tried");
});

Deno.test("an attempt counts on from a state that did not count all of them", async () => {
  const { node } = factory();
  await apply(node, memorySource(NEW), POLICY);
  await node.states.save({ ...await stateOf(node), attempts_total: undefined, attempt_count: 4 });
  await apply(node, memorySource(NEWER), POLICY);
  assertEquals((await stateOf(node)).attempts_total, 5);
});

Deno.test("a trial keeps what each health check answered", async () => {
  const { node } = factory(false);
  await assertRejects(() => healthcheck(node, [WELL, ILL], ONCE), UpdateError, "ill: 503");
  const { health } = await stateOf(node);
  assertEquals(
    health?.results.map(({ name, passed, reason }) => [name, passed, reason]),
    [["well", true, undefined], ["ill", false, "503"]],
  );
  await healthcheck(node, [WELL], ONCE);
  assertEquals((await stateOf(node)).health?.results.map(({ passed }) => passed), [true]);
});

Deno.test("a confirmed node keeps a no and the yes after it, and writes nothing while it is well", async () => {
  const { node, disk } = factory();
  await healthcheck(node, [WELL], ONCE);
  const before = disk.steps.length;
  await healthcheck(node, [WELL], ONCE);
  assertEquals(disk.steps.length, before);
  assertEquals((await stateOf(node)).health, undefined);

  await assertRejects(() => healthcheck(node, [WELL, ILL], ONCE), UpdateError, "ill: 503");
  assertEquals((await stateOf(node)).health?.results.length, 2);
  await healthcheck(node, [WELL], ONCE);
  const { health, phase } = await stateOf(node);
  assertEquals([health?.results.map(({ name }) => name), phase], [["well"], "idle"]);
  const after = disk.steps.length;
  await healthcheck(node, [WELL], ONCE);
  assertEquals(disk.steps.length, after);
});

Deno.test("a state that cannot be written hides no health check's answer", async () => {
  const { node, events } = factory();
  const full: Node = {
    ...node,
    states: {
      load: () => node.states.load(),
      save: () => Promise.reject(new Error("no space left on device")),
    },
  };
  await assertRejects(() => healthcheck(full, [ILL], ONCE), UpdateError, "ill: 503");
  const warnings = events.filter(({ kind }) => kind === "warning");
  assertEquals(warnings, [{ kind: "warning", message: "no space left on device" }]);
});
