import { assert, assertEquals, assertRejects } from "@std/assert";
import { readSmall, replaceFile } from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import { inScratch } from "../in_scratch.ts";

const disk = new DenoDisk();

Deno.test("what is written, synced and closed reads back", () =>
  inScratch(async (directory) => {
    const path = `${directory}/file`;
    const bytes = crypto.getRandomValues(new Uint8Array(5000));
    const file = await disk.open(path, "create");
    file.write(bytes);
    await file.sync();
    file.close();
    assertEquals(await Deno.readFile(path), bytes);
    assertEquals(await disk.size(path), 5000);
    assertEquals(await readSmall(disk, path, 5000), bytes);
    assertEquals(await readSmall(disk, path, 4999), null);
  }));

Deno.test("each way to open does what it says to what is there", () =>
  inScratch(async (directory) => {
    const path = `${directory}/file`;
    await assertRejects(() => disk.open(path, "read"), Deno.errors.NotFound);
    await assertRejects(() => disk.open(path, "update"), Deno.errors.NotFound);
    await Deno.writeTextFile(path, "abcdef");

    const update = await disk.open(path, "update");
    update.seek(2);
    update.write(new TextEncoder().encode("XY"));
    update.close();
    assertEquals(await Deno.readTextFile(path), "abXYef");

    const create = await disk.open(path, "create");
    assertEquals(create.size(), 6);
    create.close();

    const replace = await disk.open(path, "replace");
    assertEquals(replace.size(), 0);
    replace.close();

    const read = await disk.open(path, "read");
    try {
      read.write(new Uint8Array(1));
      throw new Error("a file opened to be read took a write");
    } catch (error) {
      assert(/Bad file descriptor/.test(String(error)), String(error));
    } finally {
      read.close();
    }
  }));

Deno.test("a file that is made has the permissions that were asked for, one that is there its own", async () => {
  const directory = await Deno.makeTempDir();
  const [, umask] = /^Umask:\s+(\d+)$/m.exec(await Deno.readTextFile("/proc/self/status")) ?? [];
  const left = ~parseInt(umask, 8);
  const modeOf = async (name: string) => (await Deno.stat(`${directory}/${name}`)).mode! & 0o777;
  for (
    const [name, fileMode, mode] of [["open", undefined, 0o644], ["shut", 0o600, 0o600]] as const
  ) {
    (await new DenoDisk({ fileMode }).open(`${directory}/${name}`, "create")).close();
    assertEquals(await modeOf(name), mode & left);
  }
  (await new DenoDisk({ fileMode: 0o600 }).open(`${directory}/open`, "replace")).close();
  assertEquals(await modeOf("open"), 0o644 & left);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("size() leaves the position where it is, truncate() cuts and extends", () =>
  inScratch(async (directory) => {
    const path = `${directory}/file`;
    await Deno.writeTextFile(path, "abcdef");
    const file = await disk.open(path, "update");
    file.seek(3);
    assertEquals(file.size(), 6);
    const rest = new Uint8Array(10);
    assertEquals(file.read(rest), 3);
    assertEquals(file.read(rest), null);
    file.truncate(2);
    assertEquals(file.size(), 2);
    file.truncate(9);
    assertEquals(file.size(), 9);
    file.close();
  }));

Deno.test("a small file is replaced in one step, and nothing is left beside it", () =>
  inScratch(async (directory) => {
    const path = `${directory}/a/b/file`;
    await disk.makeDirectory(`${directory}/a/b`);
    await disk.makeDirectory(`${directory}/a/b`);
    await replaceFile(disk, path, new TextEncoder().encode("old and long"));
    await replaceFile(disk, path, new TextEncoder().encode("new"));
    assertEquals(await Deno.readTextFile(path), "new");
    assertEquals(await disk.list(`${directory}/a/b`), ["file"]);
  }));

Deno.test("names are listed in order, removed once or twice, and renamed over others", () =>
  inScratch(async (directory) => {
    for (const name of ["c", "a", "b"]) await Deno.writeTextFile(`${directory}/${name}`, name);
    assertEquals(await disk.list(directory), ["a", "b", "c"]);
    await disk.remove(`${directory}/b`);
    await disk.remove(`${directory}/b`);
    await disk.rename(`${directory}/a`, `${directory}/c`);
    await disk.syncDirectory(directory);
    assertEquals(await disk.list(directory), ["c"]);
    assertEquals(await Deno.readTextFile(`${directory}/c`), "a");
  }));

Deno.test("size() knows regular files only", () =>
  inScratch(async (directory) => {
    assertEquals(await disk.size(directory), undefined);
    assertEquals(await disk.size(`${directory}/none`), undefined);
    assertEquals(await disk.size("/dev/null"), undefined);
  }));

Deno.test("free() is what df calls available", () =>
  inScratch(async (directory) => {
    const { stdout } = await new Deno.Command("df", {
      args: ["--output=avail", "-B1", directory],
    }).output();
    const available = Number(new TextDecoder().decode(stdout).split("\n")[1]);
    assert(Math.abs(await disk.free(directory) - available) < 64 << 20);
    await assertRejects(() => disk.free(`${directory}/none`));
  }));

Deno.test("a full disk says so", async () => {
  const file = await disk.open("/dev/full", "update");
  try {
    file.write(new Uint8Array(1));
    throw new Error("a full disk took a byte");
  } catch (error) {
    assert(/No space left/.test(String(error)), String(error));
  } finally {
    file.close();
  }
});

Deno.test({
  name: "a block device has its size, and takes what is written in place",
  ignore: Deno.uid() !== 0, // it mounts
  fn: () =>
    inScratch(async (directory) => {
      await Deno.writeFile(`${directory}/image`, new Uint8Array(3 << 20));
      const attach = await new Deno.Command("losetup", {
        args: ["-f", "--show", `${directory}/image`],
      }).output();
      if (!attach.success) return; // a machine without loop devices
      const device = new TextDecoder().decode(attach.stdout).trim();
      try {
        const file = await disk.open(device, "update");
        assertEquals(file.size(), 3 << 20);
        file.seek(1 << 20);
        file.write(new Uint8Array(4096).fill(7));
        await file.sync();
        file.close();
        const image = await Deno.readFile(`${directory}/image`);
        assertEquals(image.slice(1 << 20, (1 << 20) + 4096), new Uint8Array(4096).fill(7));
        assertEquals(image.length, 3 << 20);
      } finally {
        await new Deno.Command("losetup", { args: ["-d", device] }).output();
      }
    }),
});
