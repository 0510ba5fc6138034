import { assert, assertEquals, assertRejects } from "@std/assert";
import { DenoDisk } from "../../mod/host/mod.ts";
import {
  DiskMedium,
  FileSystemTools,
  growData,
  parseTable,
  SECTOR,
  TABLE_SECTORS,
  writeDisk,
} from "../../mod/provision/mod.ts";
import { ensureInstalled } from "../../tasks/debian.ts";
import { ensureImageTools } from "../../tasks/image.ts";
import { imagePartition } from "../../tasks/partition_table.ts";
import { run, runText } from "../../tasks/run.ts";
import { run as runHere } from "../loop_disk.ts";
import { smallImage } from "../tasks/_small_image.ts";
import { memoryFile, MemoryMedium, smallDisk } from "./_media.ts";

const MIB = 1 << 20;
const IMAGE = smallDisk();
const image = () => ({ name: "os.img", file: memoryFile(IMAGE) });
const nothing = () => Promise.resolve();

/** What lies between the first table and the end of the image's data partition. */
const body = (bytes: Uint8Array) => bytes.subarray(MIB, 6 * MIB);

const isSame = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

/** Whether firmware, or the kernel, finds anything on it. */
function isRecognized({ bytes }: MemoryMedium): boolean {
  const at = (offset: number) => new TextDecoder().decode(bytes.subarray(offset, offset + 8));
  return (bytes[510] === 0x55 && bytes[511] === 0xaa) || at(SECTOR) === "EFI PART" ||
    at(bytes.length - SECTOR) === "EFI PART";
}

/** The partitions that both tables of it have. */
function tableOf({ bytes }: MemoryMedium) {
  const table = parseTable(bytes.subarray(0, (1 + TABLE_SECTORS) * SECTOR), "it");
  return table.partitions;
}

Deno.test("a disk is written, grown to its medium, and has identifiers of its own", async () => {
  const medium = new MemoryMedium(32 * MIB);
  const steps: string[] = [];
  await writeDisk({
    image: image(),
    medium,
    fill: (data, before) => {
      steps.push(`${data.offset / MIB}+${data.size / MIB}, was ${before / MIB}`);
      return nothing();
    },
    progress: (step, done, total) => void (done === total && steps.push(step)),
  });
  assertEquals(steps, ["test", "write", "verify", "fill", "4+27, was 2", "finish"]);
  assert(isSame(body(medium.bytes), body(IMAGE)));
  // boot code, and GRUB's second stage behind the table
  assert(isSame(medium.bytes.subarray(0, 440), IMAGE.subarray(0, 440)));
  const behind = (1 + TABLE_SECTORS) * SECTOR;
  assert(isSame(medium.bytes.subarray(behind, MIB), IMAGE.subarray(behind, MIB)));
  // nothing is left of an array's or ZFS's own block at the end
  const tail = medium.bytes.subarray(31 * MIB, 32 * MIB - TABLE_SECTORS * SECTOR);
  assert(tail.every((byte) => byte === 0));
  const before = parseTable(IMAGE, "os.img").partitions;
  const after = tableOf(medium);
  assertEquals(
    after.map(({ name, first }) => [name, first]),
    before.map(({ name, first }) => [name, first]),
  );
  assert(after.every(({ guid }, at) => guid !== before[at].guid));
});

Deno.test("one that is pulled at any moment boots nothing, or all of it; writing again ends well", async () => {
  const medium = new MemoryMedium(12 * MIB);
  let count = 0;
  medium.beforeStep = () => count++;
  await writeDisk({ image: image(), medium, fill: nothing });
  const all = count;
  assert(all > 50, `${all}`);
  let recognized = 0;
  for (let cut = 0; cut < all; cut++) {
    // it had a whole system before
    const stick = new MemoryMedium(12 * MIB);
    stick.bytes.set(medium.bytes);
    body(stick.bytes).fill(0xff);
    count = 0;
    stick.beforeStep = () => {
      if (count++ === cut) throw new Error("No such device (os error 19)");
    };
    const error = await assertRejects(() =>
      writeDisk({ image: image(), medium: stick, fill: nothing })
    );
    assert(/begin again: it boots nothing now$/.test(String(error)), String(error));
    if (cut < 2) continue; // the old system's tables are not both gone yet
    if (isRecognized(stick)) {
      recognized++;
      assert(isSame(body(stick.bytes), body(IMAGE)), `cut before step ${cut}`);
    }
    if (cut % 10 !== 0) continue;
    stick.beforeStep = () => {};
    await writeDisk({ image: image(), medium: stick, fill: nothing });
    assert(isRecognized(stick) && isSame(body(stick.bytes), body(IMAGE)));
  }
  assert(recognized > 0 && recognized < 7, `${recognized}`);
});

Deno.test("a stick that gives back other bytes is found, wherever it lies", async () => {
  for (const place of [MIB, 3 * MIB + 77, 6 * MIB - 1]) {
    const medium = new MemoryMedium(24 * MIB);
    let wrote = false;
    medium.beforeStep = (what) => void (wrote ||= what === `write ${MIB + (4 << 20)}`);
    medium.lie = (offset, bytes) => {
      if (wrote && offset <= place && place < offset + bytes.length) bytes[place - offset] ^= 1;
    };
    await assertRejects(
      () => writeDisk({ image: image(), medium, fill: nothing }),
      Error,
      "reading /dev/sdb back: other bytes than were written, in the",
    );
    assert(!isRecognized(medium));
  }
  const medium = new MemoryMedium(24 * MIB);
  medium.lie = (offset, bytes) => {
    if (offset === 0 && bytes[510] === 0x55) bytes[510] = 0;
  };
  await assertRejects(
    () => writeDisk({ image: image(), medium, fill: nothing }),
    Error,
    "at 0 bytes",
  );
});

Deno.test("a stick that holds less than it says is found before the image is written", async () => {
  const cheats = [
    { capacity: 16 * MIB }, // drops the upper bits of addresses
    { capacity: 64 * MIB },
    { capacity: 127 * MIB, dropping: true },
    { capacity: 50 * MIB, dropping: true },
  ];
  for (const cheat of cheats) {
    const medium = new MemoryMedium(128 * MIB, cheat);
    if (cheat.dropping) {
      medium.lie = (offset, bytes) => void (offset >= cheat.capacity && bytes.fill(0));
    }
    const steps: string[] = [];
    const error = await assertRejects(() =>
      writeDisk({ image: image(), medium, fill: nothing, progress: (step) => steps.push(step) })
    );
    assert(
      /^UpdateError: testing \/dev\/sdb: what was written at .* reads back otherwise/.test(
        String(error),
      ),
      String(error),
    );
    assertEquals(steps, ["test"]);
    assert(!isRecognized(medium));
  }
});

Deno.test("what is no image of a node is refused before anything is written", async () => {
  const damaged = (change: (bytes: Uint8Array) => unknown) => {
    const bytes = IMAGE.slice();
    change(bytes);
    return bytes;
  };
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(100), "less than 1 MiB"],
    [new Uint8Array(MIB), "no GUID partition table"],
    [damaged((bytes) => bytes[SECTOR + 60] ^= 1), "a header whose checksum is wrong"],
    [damaged((bytes) => bytes[2 * SECTOR + 56] ^= 1), "entries whose checksum is wrong"],
    [IMAGE.slice(0, 5 * MIB), "5 MiB, where its partition table speaks of 6 MiB"],
  ];
  for (const [bytes, found] of cases) {
    const medium = new MemoryMedium(24 * MIB);
    const file = memoryFile(bytes);
    await assertRejects(
      () => writeDisk({ image: { name: "os.img", file }, medium, fill: nothing }),
      Error,
      found,
    );
    assertEquals(medium.bytes[0], 0x5a, found);
  }
  const small = new MemoryMedium(6 * MIB);
  await assertRejects(
    () => writeDisk({ image: image(), medium: small, fill: nothing }),
    Error,
    "fit",
  );
  assertEquals(small.bytes[0], 0x5a);
});

Deno.test("whoever breaks off leaves nothing that boots", async () => {
  for (const moment of ["write", "verify", "fill"]) {
    const medium = new MemoryMedium(24 * MIB);
    const controller = new AbortController();
    const progress = (step: string) =>
      step === moment && controller.abort(new Error(`Ctrl-C while it was to ${moment}`));
    const { signal } = controller;
    await assertRejects(
      () => writeDisk({ image: image(), medium, fill: nothing, progress, signal }),
      Error,
      `Ctrl-C while it was to ${moment}`,
    );
    assert(!isRecognized(medium));
  }
});

Deno.test("whoever breaks off before the first byte loses nothing, and soon ends a test of the medium", async () => {
  const reason = new Error("Ctrl-C");
  const untouched = new MemoryMedium(24 * MIB);
  const before = untouched.bytes.slice();
  const signal = AbortSignal.abort(reason);
  const options = { image: image(), fill: nothing };
  await assertRejects(() => writeDisk({ ...options, medium: untouched, signal }), Error, "Ctrl-C");
  assertEquals(untouched.bytes, before);

  const medium = new MemoryMedium(24 * MIB);
  const controller = new AbortController();
  let reads = 0;
  medium.lie = () => {
    reads += 1;
    controller.abort(reason);
  };
  await assertRejects(
    () => writeDisk({ ...options, medium, signal: controller.signal }),
    Error,
    "Ctrl-C",
  );
  assertEquals(reads, 1);
});

Deno.test("a loop device and a file become disks that sgdisk and e2fsck are content with", async () => {
  await ensureImageTools();
  await ensureInstalled("sgdisk", "e2fsck");
  const directory = await Deno.makeTempDir({ prefix: "write-disk-" });
  const disk = new DenoDisk();
  let loop = "";
  try {
    const source = await smallImage(directory);
    const note = `${directory}/note`;
    await Deno.writeTextFile(note, "#cloud-config\n");
    const backing = `${directory}/backing.img`;
    // junk everywhere, as on a stick that was used before
    await runHere("dd", "if=/dev/urandom", `of=${backing}`, "bs=1M", "count=160", "status=none");
    loop = (await runHere("losetup", "--find", "--show", backing)).trim();
    await Deno.mkdir(`${directory}/scratch`);
    const file = `${directory}/new.img`;
    await Deno.writeFile(file, new Uint8Array());
    await Deno.truncate(file, 200 << 20);
    const tools = await FileSystemTools.find();

    for (const path of [loop, file]) {
      const blank = path === file;
      const scratch = blank ? `${directory}/scratch` : undefined;
      using medium = await DiskMedium.open({ disk, path, blank });
      const opened = await disk.open(source, "read");
      await writeDisk({
        image: { name: source, file: opened },
        medium,
        fill: (data, before) =>
          growData({
            ...{ tools, disk, path, data, before, scratch, direct: medium.isDirect },
            files: [
              { path: "cloud/seed/nocloud/user-data", source: note, mode: 0o600 },
              { path: "etc-kubesolo/on-boot", source: note, mode: 0o700 },
            ],
          }),
      });
      opened.close();
      assert((await runText("sgdisk", ["--verify", path])).includes("No problems found"));
      const { offset, size } = await imagePartition(path, "KSOLODATA");
      assertEquals(size, (blank ? 200 : 160) * MIB - MIB - offset);
      const place = `${path}?offset=${offset}`;
      await run("e2fsck", ["-f", "-n", place]);
      const ask = (command: string) => runText("debugfs", ["-R", command, place]);
      const blocks = await ask("stats");
      assert(blocks.includes(`Block count:              ${size / 4096}\n`), blocks);
      assertEquals(await ask("cat cloud/seed/nocloud/user-data"), "#cloud-config\n");
      // it was there, with other bytes
      assertEquals(await ask("cat etc-kubesolo/on-boot"), "#cloud-config\n");
      const info = await ask("stat etc-kubesolo/on-boot");
      assert(/Mode: +0700/.test(info) && /User: +0 +Group: +0/.test(info), info);
      const esp = await imagePartition(path, "KSOLOEFI");
      const compared = [`--ignore-initial=${esp.offset}`, `--bytes=${esp.size}`, path, source];
      await run("cmp", compared);
    }
    const { blocks } = await Deno.stat(file);
    assert((blocks ?? 0) * 512 < 80 * MIB, "holes stay holes");
  } finally {
    if (loop) await runHere("losetup", "-d", loop);
    await Deno.remove(directory, { recursive: true });
  }
});
