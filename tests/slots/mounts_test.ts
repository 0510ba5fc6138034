import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { CommandMounts, UncleanFileSystem } from "../../mod/slots/mod.ts";
import { run } from "../loop_disk.ts";
import { until } from "../until.ts";
import { isUnmounted, ONE, start } from "./_mount_bench.ts";
import { namesIn } from "./slot_bench.ts";

async function digestOf(device: string): Promise<string> {
  return (await run("sha256sum", device)).split(" ")[0];
}

Deno.test("using() to write: the file is there when it is mounted again, and nothing stays mounted", async () => {
  await using bench = await start();
  const { mounts, partition } = bench;
  await mounts.using(partition, "write", (path) => Deno.writeTextFile(`${path}/note`, "kept"));
  await isUnmounted(bench);
  const text = await mounts.using(partition, "read", (path) => Deno.readTextFile(`${path}/note`));
  assertEquals(text, "kept");
  await isUnmounted(bench);
});

Deno.test("release() takes away what is being used, and using() then ends in order", async () => {
  await using bench = await start();
  const { mounts, partition, disk } = bench;
  await mounts.using(partition, "write", (path) => Deno.writeTextFile(`${path}/note`, "kept"));
  await mounts.using(partition, "read", async (path) => {
    using file = await Deno.open(`${path}/note`);
    assertEquals((await disk.mountPoints()).length, 1);
    await mounts.release();
    await isUnmounted(bench);
    assertEquals(await file.read(new Uint8Array(4)), 4, "what is open is read on");
  });
  await isUnmounted(bench);
});

/** A mount that was begun: mount(8) waits for `go`. */
async function beginMount(
  { disk, partition, directory }: Awaited<ReturnType<typeof start>>,
) {
  const programs = `${disk.directory}/bin`;
  await Deno.mkdir(programs);
  await Deno.symlink("/usr/bin/umount", `${programs}/umount`);
  const script = `#!/bin/sh
echo >>${programs}/begun
while [ ! -e ${programs}/go ]; do sleep 0.05; done
exec /usr/bin/mount "$@"
`;
  await Deno.writeTextFile(`${programs}/mount`, script, { mode: 0o755 });
  const mounts = new CommandMounts({ view: disk.view, directory, programs: [programs] });
  const using = mounts.using(partition, "read", () => Promise.resolve());
  await until(() => Deno.stat(`${programs}/begun`).then(() => true));
  return {
    mounts,
    using,
    go: () => Deno.writeTextFile(`${programs}/go`, ""),
    begun: () => Deno.readTextFile(`${programs}/begun`),
  };
}

Deno.test("release() waits for a mount that was begun, and none begins after it", async () => {
  await using bench = await start();
  const { mounts, using, go, begun } = await beginMount(bench);
  const released = mounts.release();
  const second = mounts.using(bench.partition, "read", () => Promise.resolve("mounted"));
  await go();
  await Promise.all([released, using]);
  const moment = new Promise((resolve) => setTimeout(resolve, 2000));
  assertEquals(await Promise.race([second, moment]), undefined);
  assertEquals(await begun(), "\n");
  await isUnmounted(bench);
});

Deno.test("release() does not wait for ever for a mount that hangs", async () => {
  await using bench = await start();
  const { mounts, using, go } = await beginMount(bench);
  await mounts.release();
  await go();
  await using;
  const left = await bench.disk.mountPoints();
  assertEquals(left.length, 1, "left to the next command");
  await run("umount", ...left);
});

Deno.test("using() to read does not change one byte of the device", async () => {
  await using bench = await start();
  const before = await digestOf(bench.partition.device);
  await bench.mounts.using(bench.partition, "read", async (path) => {
    assertEquals(await namesIn(path), []);
    await assertRejects(() => Deno.writeTextFile(`${path}/note`, "no"), Error, "os error 30");
  });
  assertEquals(await digestOf(bench.partition.device), before);
});

Deno.test("using() to read does not replay the journal of a disk that lost power", async () => {
  await using bench = await start();
  const { disk, partition, mounts } = bench;
  const image = `${disk.directory}/cut.img`;
  await disk.mounted("KSOLOB", async (path) => {
    await Deno.writeTextFile(`${path}/note`, "in the journal");
    await run("sync", "-f", path);
    await run("cp", partition.device, image);
  });
  await run("cp", image, partition.device);
  assertStringIncludes(await run("dumpe2fs", "-h", partition.device), "needs_recovery");
  const before = await digestOf(partition.device);
  await mounts.using(partition, "read", namesIn);
  assertEquals(await digestOf(partition.device), before);

  const text = await mounts.using(partition, "write", (path) => Deno.readTextFile(`${path}/note`));
  assertEquals(text, "in the journal");
});

Deno.test("using() to read refuses a file system that the kernel would repair, and to write lets it", async () => {
  await using bench = await start();
  const { partition, mounts, disk } = bench;
  await disk.mounted("KSOLOB", (path) => Deno.writeTextFile(`${path}/note`, "half removed"));
  await run("debugfs", "-w", "-R", "set_inode_field note links_count 0", partition.device);
  await run("debugfs", "-w", "-R", "set_super_value last_orphan 12", partition.device);
  const before = await digestOf(partition.device);
  const error = await assertRejects(
    () => mounts.using(partition, "read", namesIn),
    UncleanFileSystem,
  );
  assertEquals(error.code, "slot");
  assertEquals(await digestOf(partition.device), before);

  await mounts.using(partition, "write", namesIn);
  await mounts.using(partition, "read", namesIn);
});

Deno.test("using() unmounts when its body fails, and passes on what it threw", async () => {
  await using bench = await start();
  class Unheard extends Error {}
  for (const access of ["read", "write"] as const) {
    const fail = () => Promise.reject(new Unheard());
    await assertRejects(() => bench.mounts.using(bench.partition, access, fail), Unheard);
    await isUnmounted(bench);
  }
});

Deno.test("using() reads ext2, squashfs and erofs by their type", async () => {
  const makers: Record<string, (directory: string, image: string) => Promise<unknown>> = {
    ext2: (directory, image) =>
      run("mke2fs", "-q", "-t", "ext2", "-d", directory, image, `${24 << 10}`),
    squashfs: (directory, image) => run("mksquashfs", directory, image, "-quiet", "-no-progress"),
    erofs: (directory, image) => run("mkfs.erofs", "-Enoinline_data", image, directory),
  };
  await using bench = await start({ ...ONE, fileSystem: "none" });
  const { disk, mounts, partition } = bench;
  const content = `${disk.directory}/content`;
  await Deno.mkdir(content);
  await Deno.writeTextFile(`${content}/note`, "inside");
  for (const [type, make] of Object.entries(makers)) {
    const image = `${disk.directory}/${type}.img`;
    try {
      await make(content, image);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.warn(`%c${type} left out: its tool is not installed`, "color: gray");
      continue;
    }
    await run("dd", `if=${image}`, `of=${partition.device}`, "bs=1M", "conv=fsync");
    const text = await mounts.using(partition, "read", (path) => Deno.readTextFile(`${path}/note`));
    assertEquals(text, "inside");
    if (type === "ext2") continue;
    const error = await assertRejects(() => mounts.using(partition, "write", namesIn), UpdateError);
    assertEquals([error.code, error.found], ["slot", `${type}, which cannot be written`]);
  }
});

Deno.test("using() says how to make a file system where there is none", async () => {
  await using bench = await start({ ...ONE, fileSystem: "none" });
  const { partition, mounts } = bench;
  const error = await assertRejects(() => mounts.using(partition, "write", namesIn), UpdateError);
  assertEquals(error.code, "slot");
  assertStringIncludes(error.advice, `mke2fs -t ext4 -L KSOLOB ${partition.device}`);
});

Deno.test("using() to write refuses a file system with recorded damage, and still reads it", async () => {
  await using bench = await start();
  const { partition, mounts } = bench;
  await run("debugfs", "-w", "-R", "set_super_value state 2", partition.device);
  const error = await assertRejects(() => mounts.using(partition, "write", namesIn), UpdateError);
  assertStringIncludes(error.message, `e2fsck -f ${partition.device}`);
  await mounts.using(partition, "read", namesIn);
});

Deno.test("using() to write refuses a write-protected device, and still reads it", async () => {
  await using bench = await start();
  const { partition, mounts, disk } = bench;
  await disk.writeProtect();
  const error = await assertRejects(() => mounts.using(partition, "write", namesIn), UpdateError);
  assertEquals([error.code, error.found], ["slot", "it can only be mounted read-only"]);
  await isUnmounted(bench);
  await mounts.using(partition, "read", namesIn);
});

Deno.test("using() works with BusyBox", async () => {
  await using bench = await start();
  const { partition, disk, directory } = bench;
  const programs = `${disk.directory}/bin`;
  await Deno.mkdir(programs);
  for (const name of ["mount", "umount"]) {
    await Deno.symlink("/usr/bin/busybox", `${programs}/${name}`);
  }
  const mounts = new CommandMounts({
    view: disk.view,
    directory,
    programs: ["/nowhere", programs],
  });
  await mounts.using(partition, "write", (path) => Deno.writeTextFile(`${path}/note`, "kept"));
  const text = await mounts.using(partition, "read", (path) => Deno.readTextFile(`${path}/note`));
  assertEquals(text, "kept");
  await disk.mounted("KSOLOB", () => mounts.using(partition, "read", namesIn));
  await disk.writeProtect();
  const error = await assertRejects(() => mounts.using(partition, "write", namesIn), UpdateError);
  assertEquals(error.found, "it can only be mounted read-only");
  await isUnmounted(bench);
});

Deno.test("using() says that there is no mount program", async () => {
  await using bench = await start();
  const { partition, disk, directory } = bench;
  const mounts = new CommandMounts({ view: disk.view, directory, programs: ["/nowhere"] });
  const error = await assertRejects(() => mounts.using(partition, "read", namesIn), UpdateError);
  assertStringIncludes(error.found, "no program mount in /nowhere");
});
