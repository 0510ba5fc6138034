import { assertEquals, assertRejects } from "@std/assert";
import {
  apply,
  check,
  explain,
  type Node,
  type Release,
  type Trust,
  UpdateError,
  type UpdateSource,
  type Withheld,
} from "../../mod/core/mod.ts";
import {
  factoryDisk,
  filesRelease,
  memoryNode,
  type MemoryRelease,
  memorySource,
  POLICY,
} from "../fakes/memory_machine.ts";

const OLD = filesRelease("1.0.0");

function release(version: string, changes: Partial<Release> = {}): MemoryRelease {
  const { release, bytes } = filesRelease(version);
  return { release: { ...release, ...changes }, bytes };
}

const NEWEST = release("3.0.0", { minCompatibleVersion: "2.0.0" });

function nodeOf(known: readonly MemoryRelease[]): Node {
  const disk = factoryDisk(OLD);
  return memoryNode(disk, { id: "boot-1", slot: "A", why: "normal" }, [OLD, ...known]);
}

/** A source with stepping stones; `asked` counts how often somebody wanted them. */
function sourceOf(newest: MemoryRelease, stones: readonly MemoryRelease[]) {
  const bytes = new Map([newest, ...stones].flatMap((one) => [...one.bytes]));
  const source: UpdateSource & { asked: number } = {
    ...memorySource({ release: newest.release, bytes }),
    asked: 0,
    steppingStones() {
      this.asked++;
      return Promise.resolve(stones.map(({ release }) => release));
    },
  };
  return source;
}

/** What is taken where the source has these stepping stones to 3.0.0. */
async function taken(...stones: readonly MemoryRelease[]): Promise<string> {
  const outcome = await check(nodeOf([]), sourceOf(NEWEST, stones), POLICY);
  return `${outcome.version} ${outcome.refusal?.gate ?? outcome.result}`;
}

Deno.test("the newest stepping stone is taken that the running version may be updated to", async () => {
  const far = release("2.5.0", { minCompatibleVersion: "2.0.0" });
  const near = release("2.0.0", { minCompatibleVersion: "1.0.0" });
  assertEquals(await taken(release("1.5.0"), near, far), "2.0.0 available");
  assertEquals(await taken(far, release("2.1.0"), near), "2.1.0 available");
});

Deno.test("a stepping stone that leads nowhere is none", async () => {
  const none = "3.0.0 min_compatible_version";
  assertEquals(await taken(), none);
  assertEquals(await taken(release("1.0.0"), release("0.9.0")), none, "not newer than what runs");
  assertEquals(await taken(release("3.0.0"), release("4.0.0")), none, "not older than the newest");
  assertEquals(await taken(release("2.5.0", { minCompatibleVersion: "2.0.0" })), none);
});

Deno.test("a stepping stone goes through all gates, and one that passes comes first", async () => {
  const other = release("2.0.0", { architecture: "aarch64" });
  assertEquals(await taken(other, release("1.5.0")), "1.5.0 available");
  assertEquals(await taken(other), "2.0.0 architecture", "it says what is in the way");
  const old = release("2.0.0", { expires: "2026-01-15T00:00:00Z" });
  assertEquals(await taken(old), "2.0.0 expired");
});

Deno.test("stepping stones are asked for only where the newest is out of reach", async () => {
  const within = sourceOf(release("3.0.0", { minCompatibleVersion: "1.0.0" }), []);
  assertEquals((await check(nodeOf([]), within, POLICY)).result, "available");
  const other = sourceOf(release("3.0.0", { channel: "beta" }), []);
  assertEquals((await check(nodeOf([]), other, POLICY)).refusal?.gate, "channel");
  assertEquals([within.asked, other.asked], [0, 0]);
  const { steppingStones: _, ...without } = sourceOf(NEWEST, []);
  const outcome = await check(nodeOf([]), without, POLICY);
  assertEquals(outcome.refusal?.gate, "min_compatible_version");
});

Deno.test("apply takes the stepping stone that check names, and says where it leads", async () => {
  const stone = release("2.0.0");
  const node = nodeOf([stone]);
  const source = sourceOf(NEWEST, [stone]);
  const { version, steppingStoneTo } = await check(node, source, POLICY);
  assertEquals([version, steppingStoneTo], ["2.0.0", "3.0.0"]);
  const outcome = await apply(node, source, POLICY);
  assertEquals([outcome.result, outcome.version], ["staged", "2.0.0"]);
  assertEquals(outcome.steppingStoneTo, "3.0.0");
  const { state } = await node.states.load();
  assertEquals([state.to_version, state.offered?.version], ["2.0.0", "3.0.0"]);
  assertEquals((await apply(node, source, POLICY)).result, "already_staged");
  assertEquals((await explain(node, source, POLICY)).staged, true);
});

Deno.test("without a stepping stone apply is refused for the newest", async () => {
  const refused = apply(nodeOf([]), sourceOf(NEWEST, []), POLICY);
  await assertRejects(() => refused, UpdateError, "gate min_compatible_version for 3.0.0");
});

Deno.test("where a signature is wanted, a source that asks for none is refused, forced or not", async () => {
  const trust: Trust = {
    wanted: "a signature",
    judge: () => Promise.resolve({ signedBy: [] }),
    stillBelieves: () => true,
  };
  const signed = (one: MemoryRelease, signedBy?: string[]): MemoryRelease => ({
    ...one,
    release: { ...one.release, signedBy },
  });
  const stone = release("2.0.0");
  const sources = [
    sourceOf(release("2.0.0"), []),
    sourceOf(signed(release("2.0.0"), []), []),
    sourceOf(signed(NEWEST, ["ours"]), [stone]),
  ];
  for (const source of sources) {
    for (const force of [false, true]) {
      for (const flow of [check, explain, apply]) {
        const policy = { ...POLICY, trust, force };
        const error = await assertRejects(() => flow(nodeOf([stone]), source, policy), UpdateError);
        assertEquals(error.code, "verification", flow.name);
      }
    }
  }
  const good = sourceOf(signed(NEWEST, ["ours"]), [signed(stone, ["ours"])]);
  const { gates } = await explain(nodeOf([stone]), good, { ...POLICY, trust });
  const { wanted, found, passed } = gates.find(({ gate }) => gate === "signature") ?? {};
  assertEquals([wanted, found, passed], ["a signature", "ours", true]);
});

Deno.test("a source that holds updates back says neither that the node is current nor that it has failed", async () => {
  const node = nodeOf([]);
  const withheld = "the server is busy with others";
  let answer: Withheld = { withheld };
  const source: UpdateSource = { ...memorySource(NEWEST), latest: () => Promise.resolve(answer) };
  const found = await check(node, source, POLICY);
  assertEquals([found.result, found.withheld, found.version], ["withheld", withheld, "1.0.0"]);
  const explained = await explain(node, source, POLICY);
  assertEquals([explained.result, explained.withheld], ["withheld", withheld]);

  const { state } = await node.states.load();
  const offered = { version: "2.0.0", at: "2026-01-01T00:00:00Z" };
  const last_refusal = { gate: "window", wanted: "", found: "", at: offered.at };
  await node.states.save({ ...state, offered, last_refusal });
  answer = { withheld, unasked: true };
  assertEquals((await apply(node, source, POLICY)).result, "withheld");
  const { state: unasked } = await node.states.load();
  assertEquals([unasked.phase, unasked.last_refusal, unasked.offered, unasked.withheld], [
    "idle",
    last_refusal,
    offered,
    undefined,
  ]);

  answer = { withheld };
  const outcome = await apply(node, source, POLICY);
  assertEquals(outcome, { result: "withheld", withheld, version: "1.0.0", slot: "A" });
  const { state: after } = await node.states.load();
  assertEquals([after.phase, after.last_error, after.last_refusal], ["idle", undefined, undefined]);
  assertEquals([after.offered, after.withheld?.why], [offered, withheld]);

  for (const said of [undefined, NEWEST.release]) {
    await node.states.save(after);
    const other = { ...source, latest: () => Promise.resolve(said) };
    await apply(node, other, POLICY).catch(() => {});
    assertEquals((await node.states.load()).state.withheld, undefined);
  }
});

Deno.test("a source that offers nothing leaves the node as it is, whatever was refused before", async () => {
  const node = nodeOf([]);
  const source: UpdateSource = {
    ...memorySource(NEWEST),
    latest: () => Promise.resolve(undefined),
  };
  const found = await check(node, source, POLICY);
  assertEquals([found.result, found.version, found.digest], ["up_to_date", "1.0.0", undefined]);
  const explained = await explain(node, source, POLICY);
  assertEquals([explained.result, explained.fetch, explained.room], ["up_to_date", [], undefined]);
  assertEquals(explained.gates.map(({ gate }) => gate), ["window", "label", "confirmed"]);
  const { state } = await node.states.load();
  const last_refusal = { gate: "window", wanted: "", found: "", at: "2026-01-01T00:00:00Z" };
  await node.states.save({ ...state, last_refusal });
  const outcome = await apply(node, source, POLICY);
  const { result, version, slot } = outcome;
  assertEquals([result, version, slot], ["up_to_date", "1.0.0", "A"]);
  const { state: after } = await node.states.load();
  assertEquals([after.phase, after.last_refusal, after.offered?.version], [
    "idle",
    undefined,
    "1.0.0",
  ]);
});
