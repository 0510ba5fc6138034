import { assertEquals, assertRejects } from "@std/assert";
import { dataPartitionCheck, DenoDisk } from "../../mod/host/mod.ts";
import { MemoryDisk } from "../fakes/memory_disk.ts";

const signal = new AbortController().signal;

Deno.test("a data partition that takes writes is healthy, and nothing is left on it", async () => {
  const directory = await Deno.makeTempDir();
  const check = dataPartitionCheck(new DenoDisk(), directory);
  assertEquals(check.name, "data-partition");
  await check.run(signal);
  await check.run(signal);
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory);
});

Deno.test("a data partition that is absent is unhealthy", async () => {
  const check = dataPartitionCheck(new DenoDisk(), "/var/tmp/no-such-directory");
  await assertRejects(() => check.run(signal), Error, "No such file or directory");
});

Deno.test("a data partition that reads back something else is unhealthy", async () => {
  const disk = new MemoryDisk();
  const open = disk.open.bind(disk);
  disk.open = async (path, mode) => {
    const file = await open(path, mode);
    const read = (into: Uint8Array) => {
      const length = file.read(into);
      into[5] ^= 1;
      return length;
    };
    return mode === "read" ? { ...file, read } : file;
  };
  const check = dataPartitionCheck(disk, "/data");
  await assertRejects(() => check.run(signal), Error, "does not read back");
  assertEquals(await disk.list("/data"), []);
});

Deno.test("a data partition that loses its sync is unhealthy", async () => {
  const disk = new MemoryDisk();
  const open = disk.open.bind(disk);
  disk.open = async (path, mode) => ({
    ...await open(path, mode),
    sync: () => Promise.reject(new Error("Input/output error")),
  });
  const check = dataPartitionCheck(disk, "/data");
  await assertRejects(() => check.run(signal), Error, "Input/output error");
});
