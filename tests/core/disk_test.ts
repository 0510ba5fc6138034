import { assertEquals, assertRejects } from "@std/assert";
import { readSmall, replaceFile } from "../../mod/core/mod.ts";
import { MemoryDisk, PowerCut, SURVIVALS } from "../fakes/memory_disk.ts";

const OLD = new TextEncoder().encode("what was there");
const NEW = new TextEncoder().encode("new");

Deno.test("replaceFile() leaves the old bytes or the new ones, wherever the power goes", async () => {
  const seen = new Set<string>();
  for (const survival of SURVIVALS) {
    for (const torn of [false, true]) {
      for (let step = 0, done = false; !done; step++) {
        const disk = new MemoryDisk();
        disk.put("/d/file", OLD);
        disk.cutAt({ step, torn });
        done = await replaceFile(disk, "/d/file", NEW).then(() => true, (error) => {
          if (!(error instanceof PowerCut)) throw error;
          return false;
        });
        const text = new TextDecoder().decode(disk.powerOn(survival).get("/d/file"));
        seen.add(text);
        if (done) assertEquals(text, "new");
      }
    }
  }
  assertEquals([...seen].sort(), ["new", "what was there"]);
});

Deno.test("replaceFile() syncs the bytes before the name, and the name before it resolves", async () => {
  const disk = new MemoryDisk();
  await replaceFile(disk, "/d/file", NEW);
  assertEquals(disk.steps.map((step) => step.split(" ").slice(0, 2).join(" ")), [
    "create /d/file.new",
    "write 3",
    "sync /d/file.new",
    "rename /d/file.new",
    "sync directory",
  ]);
});

Deno.test("replaceFile() works in the root directory", async () => {
  const disk = new MemoryDisk();
  await replaceFile(disk, "/file", NEW);
  assertEquals(disk.steps.at(-1), "sync directory /");
});

Deno.test("readSmall() reads up to its limit, however little each read brings", async () => {
  const disk = new MemoryDisk();
  disk.put("/file", OLD);
  const open = disk.open.bind(disk);
  disk.open = async (path, mode) => {
    const file = await open(path, mode);
    return { ...file, read: (into) => file.read(into.subarray(0, 3)) };
  };
  assertEquals(await readSmall(disk, "/file", OLD.length), OLD);
  assertEquals(await readSmall(disk, "/file", OLD.length - 1), null);
  await assertRejects(() => readSmall(disk, "/none", 1), Deno.errors.NotFound);
});
