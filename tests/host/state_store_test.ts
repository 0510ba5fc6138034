import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  formatState,
  MAX_STATE_BYTES,
  NEW_STATE,
  UpdateError,
  type UpdateState,
} from "../../mod/core/mod.ts";
import { DenoDisk, FileStateStore, MAX_SET_ASIDE } from "../../mod/host/mod.ts";
import { MemoryDisk, PowerCut, SURVIVALS } from "../fakes/memory_disk.ts";

const PATH = "/var/lib/kubesolo/update/state.json";
const OLD: UpdateState = { ...NEW_STATE, phase: "staged", attempt_count: 1 };
const NEW: UpdateState = {
  ...NEW_STATE,
  phase: "activated",
  attempt_count: 2,
  to_version: "2.0.0",
};

Deno.test("where there is no state, the node is new", async () => {
  const store = new FileStateStore(new MemoryDisk(), PATH);
  assertEquals(await store.load(), { state: NEW_STATE });
});

Deno.test("a saved state loads the same", async () => {
  const disk = new MemoryDisk();
  await new FileStateStore(disk, PATH).save(NEW);
  assertEquals(await new FileStateStore(disk, PATH).load(), { state: NEW });
});

Deno.test("save() makes the directories, on a real disk", async () => {
  const directory = await Deno.makeTempDir();
  const store = new FileStateStore(new DenoDisk(), `${directory}/a/b/state.json`);
  await store.save(OLD);
  await store.save(NEW);
  assertEquals(await store.load(), { state: NEW });
  assertEquals([...Deno.readDirSync(`${directory}/a/b`)].map(({ name }) => name), ["state.json"]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("after a power cut at any step of save(), the state is the old one or the new one", async () => {
  for (const survival of SURVIVALS) {
    for (const torn of [false, true]) {
      for (let step = 0;; step++) {
        const disk = new MemoryDisk();
        await new FileStateStore(disk, PATH).save(OLD);
        disk.syncAll();
        disk.cutAt({ step: disk.steps.length + step, torn });
        const cut = await new FileStateStore(disk, PATH).save(NEW).then(() => false, (error) => {
          assert(error.cause instanceof PowerCut);
          return true;
        });
        const after = new FileStateStore(disk.powerOn(survival), PATH);
        const { state, warning } = await after.load();
        assertEquals(warning, undefined);
        assert(["staged", "activated"].includes(state.phase), `step ${step}, ${survival}`);
        if (!cut) assertEquals(state, NEW);
        await after.save(NEW);
        assertEquals((await after.load()).state, NEW);
        if (!cut) break;
      }
    }
  }
});

const GARBLED: readonly (readonly [string, string | Uint8Array, string])[] = [
  ["nothing in it", "", "garbled"],
  ["half of it", '{"phase": "sta', "garbled"],
  ["zeroes", new Uint8Array(4096), "garbled"],
  ["no text in it", garbledText(), "garbled"],
  ["another's JSON", '{"hello": 1}', "phase is not what the agent writes"],
  ["too much of it", " ".repeat(MAX_STATE_BYTES + 1), `longer than ${MAX_STATE_BYTES} bytes`],
];

/** A state that is well but for one byte of its text. */
function garbledText(): Uint8Array {
  const bytes = new TextEncoder().encode(formatState({ ...NEW_STATE, last_error: "!" }));
  return bytes.map((byte) => byte === "!".charCodeAt(0) ? 0xff : byte);
}

for (const [name, content, words] of GARBLED) {
  Deno.test(`a state file with ${name} is set aside, with a warning, and the node goes on`, async () => {
    const disk = new MemoryDisk();
    disk.put(PATH, content);
    const store = new FileStateStore(disk, PATH, () => new Date("2026-01-15T10:11:12.345Z"));
    const { state, warning } = await store.load();
    assertEquals(state, NEW_STATE);
    assert(warning?.includes(words), warning);
    const aside = `${PATH}.garbled-20260115T101112345Z`;
    assert(warning?.includes(aside), warning);
    const rebooted = disk.powerOn("synced only");
    assertEquals(rebooted.get(PATH), undefined);
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    assertEquals(rebooted.get(aside), bytes);
    await store.save(NEW);
    assertEquals(await store.load(), { state: NEW });
  });
}

Deno.test("of the garbled state files, only the newest are kept", async () => {
  const disk = new MemoryDisk();
  for (let day = 1; day <= 9; day++) {
    disk.put(PATH, "garbled");
    await new FileStateStore(disk, PATH, () => new Date(`2026-01-0${day}T00:00:00Z`)).load();
  }
  const kept = await disk.list("/var/lib/kubesolo/update");
  assertEquals(kept.length, MAX_SET_ASIDE);
  assert(kept.includes("state.json.garbled-20260109T000000000Z"), kept.join());
});

Deno.test("who only looks at a state leaves it where it is, garbled or not", async () => {
  const disk = new MemoryDisk();
  const store = new FileStateStore(disk, PATH);
  assertEquals(await store.look(), NEW_STATE);
  await store.save(NEW);
  const steps = disk.steps.length;
  assertEquals(await store.look(), NEW);
  disk.put(PATH, "{}");
  await assertRejects(() => store.look(), Error, "phase is not what the agent writes");
  disk.put(PATH, new Uint8Array(MAX_STATE_BYTES + 1));
  await assertRejects(() => store.look(), Error, `longer than ${MAX_STATE_BYTES} bytes`);
  assertEquals(disk.steps.length, steps);
  assertEquals(await disk.list("/var/lib/kubesolo/update"), ["state.json"]);
});

Deno.test("a garbled state on a disk that takes no writes is reported as well", async () => {
  const disk = new MemoryDisk();
  disk.put(PATH, "garbled");
  disk.rename = () => Promise.reject(new Error("Read-only file system"));
  const { state, warning } = await new FileStateStore(disk, PATH).load();
  assertEquals(state, NEW_STATE);
  assert(warning?.includes("could not be set aside (Read-only file system)"), warning);
});

Deno.test("a state that cannot be read or written ends the command, with the path", async () => {
  const disk = new MemoryDisk();
  disk.put(PATH, "{}");
  disk.open = () => Promise.reject(new Error("Input/output error"));
  const store = new FileStateStore(disk, PATH);
  for (const action of [() => store.load(), () => store.save(NEW)]) {
    const error = await assertRejects<UpdateError>(action, UpdateError, PATH);
    assertEquals(error.code, "slot");
    assert(error.message.includes("Input/output error"), error.message);
  }
});
