import { assert, assertEquals, assertRejects } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { DenoDisk, MAX_MEMINFO_BYTES, readMemory } from "../../mod/host/mod.ts";
import { MemoryDisk } from "../fakes/memory_disk.ts";

const PATH = "/view/proc/meminfo";

function memoryOf(text: string) {
  const disk = new MemoryDisk();
  disk.put(PATH, text);
  return readMemory(disk, "/view");
}

Deno.test("memory is what the kernel says, in bytes", async () => {
  const text = "MemTotal:        2048 kB\nMemFree: 1 kB\nMemAvailable:    1024 kB\nBuffers: 0 kB\n";
  assertEquals(await memoryOf(text), { total: 2 << 20, available: 1 << 20 });
});

Deno.test("this machine's own memory can be read", async () => {
  const { total, available } = await readMemory(new DenoDisk(), "");
  assert(available > 0 && available < total, `${available} of ${total}`);
});

Deno.test("memory that is not said is an error that names the line", async () => {
  const cases: readonly [problem: string, text: string][] = [
    ["no line MemTotal", ""],
    ["no line MemAvailable", "MemTotal: 1 kB\n"],
    ["no line MemTotal", "MemTotal: many kB\nMemAvailable: 1 kB\n"],
    ["no line MemTotal", "MemTotal: 1\nMemAvailable: 1 kB\n"],
    ["no line MemTotal", "x".repeat(MAX_MEMINFO_BYTES + 1)],
  ];
  for (const [problem, text] of cases) {
    await assertRejects(() => memoryOf(text), UpdateError, `reading ${PATH}: ${problem};`);
  }
  await assertRejects(() => readMemory(new MemoryDisk(), "/view"), UpdateError, "see that /proc");
});
