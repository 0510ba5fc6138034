import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SECTOR } from "../../mod/provision/mod.ts";
import { ensureInstalled } from "../../tasks/debian.ts";
import { buildImage, ensureImageTools, grubPackages } from "../../tasks/image.ts";
import {
  BIOS_BOOT,
  DEFAULT_SIZES,
  DISK_GUID,
  parseSize,
  planDisk,
} from "../../tasks/disk_layout.ts";
import { askExt4 } from "../../tasks/ext4.ts";
import { grubenvSummary, readEspFile, readSlotFile } from "../../tasks/offline.ts";
import { imagePartition, readPartitionTable } from "../../tasks/partition_table.ts";
import { run, runBoth, runText } from "../../tasks/run.ts";
import { writePartitionTable } from "../../tasks/write_partition_table.ts";
import { ROOT } from "../../tasks/sources.ts";
import { Sysroot } from "../../tasks/sysroot.ts";
import { withMountLock } from "../mount_lock.ts";
import { inScratch } from "../in_scratch.ts";
import { deno } from "./_process.ts";
import { smallImage, smallRelease } from "./_small_image.ts";

await ensureImageTools();
await ensureInstalled("sgdisk", "e2fsck", "fsck.fat", "blkid");

/** One image for the tests that only look at it. */
const scratch = await Deno.makeTempDir({ prefix: "kubesolo-test-" });
globalThis.addEventListener("unload", () => Deno.removeSync(scratch, { recursive: true }));
const image = await smallImage(scratch);

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function bytesAt(path: string, offset: number, length: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  await file.read(bytes);
  return bytes;
}

Deno.test("an image has the partitions that GRUB and the agent look for", async () => {
  assertStringIncludes(await runText("sgdisk", ["--verify", image]), "No problems found");
  assertEquals(
    (await readPartitionTable(image)).map(({ number, name }) => `${number} ${name}`),
    ["1 KSOLOEFI", "2 KSOLOA", "3 KSOLOB", "4 KSOLODATA", "5 BIOSBOOT"],
  );
});

Deno.test("writePartitionTable() writes the bytes that sgdisk writes", async () => {
  await inScratch(async (scratch) => {
    const plan = planDisk({ ...DEFAULT_SIZES, slot: 1 << 30 });
    const [ours, theirs] = [`${scratch}/ours`, `${scratch}/theirs`];
    for (const path of [ours, theirs]) {
      await Deno.writeFile(path, new Uint8Array());
      await Deno.truncate(path, plan.size);
    }
    await writePartitionTable(ours, plan, true);
    const partitions = plan.partitions.map((partition) => ({
      ...partition,
      name: partition.label,
      last: partition.first + partition.size / SECTOR - 1,
    }));
    await run("sgdisk", [
      ...["--clear", `--disk-guid=${DISK_GUID}`, "--set-alignment=1"],
      ...[...partitions, { ...BIOS_BOOT, type: "ef02" }].flatMap((
        { number, first, last, type, name, guid },
      ) => [
        ...[`--new=${number}:${first}:${last}`, `--typecode=${number}:${type}`],
        ...[`--change-name=${number}:${name}`, `--partition-guid=${number}:${guid}`],
      ]),
      theirs,
    ]);
    for (const [from, length] of [[0, 34 * SECTOR], [plan.size - 33 * SECTOR, 33 * SECTOR]]) {
      assertEquals(await bytesAt(ours, from, length), await bytesAt(theirs, from, length));
    }
  });
});

Deno.test("the file systems of an image are sound and have the same names as their partitions", async () => {
  for (const name of ["KSOLOEFI", "KSOLOA", "KSOLOB", "KSOLODATA"]) {
    const { offset, size } = await imagePartition(image, name);
    const label = ["-p", "-O", `${offset}`, "-S", `${size}`, "-s", "LABEL", "-o", "value"];
    assertEquals((await runText("blkid", [...label, image])).trim(), name);
    const alone = `${scratch}/${name}`;
    await run("dd", [
      ...[`if=${image}`, `of=${alone}`, "bs=1M", `skip=${offset >> 20}`],
      `count=${size >> 20}`,
    ]);
    if (name === "KSOLOEFI") await run("fsck.fat", ["-n", alone]);
    else await run("e2fsck", ["-fn", alone]);
  }
});

Deno.test("a slot has kernel, initramfs, version, and the sums that GRUB checks, in GRUB's order", async () => {
  assertEquals(text(await readSlotFile(image, "B", "version")), "2.0.0\n");
  const directory = `${scratch}/out`;
  await Deno.mkdir(directory);
  for (const name of ["vmlinuz", "kubesolo-os.gz", "SHA256SUMS"]) {
    await Deno.writeFile(`${directory}/${name}`, await readSlotFile(image, "A", name));
  }
  const checked = await runText("sha256sum", ["-c", "SHA256SUMS"], { cwd: directory });
  assertEquals(checked, "vmlinuz: OK\nkubesolo-os.gz: OK\n");
  assertEquals(
    await Deno.readTextFile(`${directory}/vmlinuz`),
    await Deno.readTextFile(`${scratch}/a/vmlinuz`),
  );
});

Deno.test("the data partition has the directory's files, links and modes, owned by root", async () => {
  const { offset } = await imagePartition(image, "KSOLODATA");
  const place = { image, offset };
  assertEquals(text(await askExt4(place, "cat /etc-kubesolo/on-boot")), "#!/bin/sh\n");
  const listed = text(await askExt4(place, "ls -l /etc-kubesolo"));
  assert(/100755 \(1\)\s+0\s+0\s+10 .* on-boot/.test(listed), listed);
  assertStringIncludes(text(await askExt4(place, "stat /link")), '"etc-kubesolo"');
});

Deno.test("a new node boots slot A, confirmed, and both copies say so", async () => {
  assertEquals(await grubenvSummary(image), "A/3/1");
  assertEquals(await grubenvSummary(image, "grubenv.bak"), "A/3/1");
  assertEquals((await readEspFile(image, "grub/grubenv")).length, 1024);
});

Deno.test("the copies of the boot environment lie at least 4 MiB apart", async () => {
  await inScratch(async (scratch) => {
    const image = await smallImage(scratch, { bios: false, efi: false });
    const { offset, size } = await imagePartition(image, "KSOLOEFI");
    const bytes = (await Deno.readFile(image)).subarray(offset, offset + size);
    const wanted = new TextEncoder().encode("# GRUB Environment Block\n");
    const found: number[] = [];
    for (let at = 0; at < bytes.length; at += 512) {
      if (wanted.every((byte, index) => bytes[at + index] === byte)) found.push(at);
    }
    assertEquals(found.length, 2);
    assert(Math.abs(found[1] - found[0]) >= 4 << 20, `${found}`);
  });
});

Deno.test("firmware of both kinds finds GRUB, unless it is left out", async () => {
  await inScratch(async (scratch) => {
    const start = await bytesAt(image, 0, 64 << 10);
    assertEquals([start[510], start[511]], [0x55, 0xaa]);
    assert(start.subarray(0, 440).some((byte) => byte !== 0), "no boot code");
    assert(start.subarray(34 * 512).some((byte) => byte !== 0), "no core.img");
    assertEquals(text((await readEspFile(image, "EFI/BOOT/BOOTX64.EFI")).subarray(0, 2)), "MZ");
    assertEquals(
      text(await readEspFile(image, "grub/grub.cfg")),
      await Deno.readTextFile(`${ROOT}/deploy/grub/grub.cfg`),
    );

    const neither = await smallImage(scratch, { bios: false, efi: false });
    const bare = await bytesAt(neither, 0, SECTOR);
    assertEquals(bare.subarray(0, 440).every((byte) => byte === 0), true);
    assertEquals((await readPartitionTable(neither)).length, 4);
    await assertRejects(() => readEspFile(neither, "EFI/BOOT/BOOTX64.EFI"), Error, "not found");
  });
});

Deno.test("an image for aarch64 has GRUB for its firmware, and nothing for a BIOS", async () => {
  await inScratch(async (scratch) => {
    await using sysroot = await Sysroot.open("aarch64", grubPackages("aarch64"));
    const image = await smallImage(scratch, { sysroot });
    const program = await readEspFile(image, "EFI/BOOT/BOOTAA64.EFI");
    const header = new DataView(program.buffer).getUint32(0x3c, true);
    assertEquals(new DataView(program.buffer).getUint16(header + 4, true), 0xaa64);
    await assertRejects(() => readEspFile(image, "EFI/BOOT/BOOTX64.EFI"), Error, "not found");
    assertEquals((await bytesAt(image, 0, 440)).every((byte) => byte === 0), true);
    assertEquals((await readPartitionTable(image)).length, 4);
  });
});

Deno.test({
  name:
    "where GRUB for BIOS is not installed, the image is built without it, and a warning says so",
  ignore: Deno.uid() !== 0, // it hides the package's files in a mount namespace
  fn: () =>
    inScratch(async (scratch) => {
      const output = `${scratch}/disk.img`;
      const code = `import { buildImage } from "${ROOT}/tasks/image.ts";
        await buildImage({ output: "${output}" });`;
      const hide = 'mount -t tmpfs none /usr/lib/grub/i386-pc && exec "$0" eval --no-check "$1"';
      const { stderr } = await withMountLock(() =>
        runBoth(
          "unshare",
          ["--mount", "sh", "-c", hide, Deno.execPath(), code],
          { env: { NO_COLOR: "1" }, cwd: ROOT },
        )
      );
      assertEquals(
        text(stderr),
        "warning: BIOS machines cannot start from this image: " +
          "install grub-pc-bin, or say --no-bios\n",
      );
      assertEquals((await readPartitionTable(output)).length, 4);
      assertEquals(text((await readEspFile(output, "EFI/BOOT/BOOTX64.EFI")).subarray(0, 2)), "MZ");
    }),
});

Deno.test("the same inputs give the same image, elsewhere, later and in another time zone", async () => {
  await inScratch(async (scratch) => {
    const digests: string[] = [];
    for (const [place, TZ] of [["one", "UTC"], ["two/deeper", "Asia/Tokyo"]]) {
      const directory = `${scratch}/${place}`;
      await smallRelease(`${directory}/a`, "1.0.0");
      await Deno.mkdir(`${directory}/data/kubesolo`, { recursive: true });
      await Deno.writeTextFile(`${directory}/data/kubesolo/file`, "kept\n");
      const { success, stdout, stderr } = await deno(directory, [
        ...["run", "-A", "tasks/image.ts", "--output", `${directory}/disk.img`],
        ...["--slot-a", `${directory}/a`, "--data", `${directory}/data`],
        ...["--slot-size", "16M", "--data-size", "16M"],
      ], { TZ });
      assert(success, stderr);
      assertStringIncludes(stdout, "114 MiB");
      digests.push((await runText("sha256sum", [`${directory}/disk.img`])).slice(0, 64));
      // FAT counts in steps of two seconds.
      if (digests.length === 1) await new Promise((done) => setTimeout(done, 2_100));
    }
    assertEquals(digests[0], digests[1]);
  });
});

Deno.test("an image is refused, and none left behind, where a slot has no kernel", async () => {
  await inScratch(async (scratch) => {
    await smallRelease(`${scratch}/broken`, "1.0.0");
    await Deno.remove(`${scratch}/broken/vmlinuz`);
    await assertRejects(
      () => smallImage(scratch, { slotB: `${scratch}/broken` }),
      Error,
      `${scratch}/broken: wanted a release (vmlinuz, kubesolo-os.gz), found no vmlinuz`,
    );
    await assertRejects(() => Deno.stat(`${scratch}/disk.img`), Deno.errors.NotFound);
  });
});

Deno.test("an image is refused where contents do not fit, with the tool's words", async () => {
  await inScratch(async (scratch) => {
    await smallRelease(`${scratch}/big`, "1.0.0");
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    const large = new Uint8Array(20 << 20);
    for (let at = 0; at + noise.length < large.length; at += noise.length) large.set(noise, at);
    await Deno.writeFile(`${scratch}/big/kubesolo-os.gz`, large);
    await assertRejects(() => smallImage(scratch, { slotA: `${scratch}/big` }), Error, "allocate");
  });
});

Deno.test("sizes are whole MiB with a unit, and large enough for their file systems", async () => {
  assertEquals(parseSize("--esp-size", "64M"), 64 << 20);
  assertEquals(parseSize("--slot-size", "2G"), 2 * 1024 ** 3);
  for (const size of ["64", "64m", "1.5G", "-1M", "M", ""]) {
    await assertRejects(
      () => Promise.resolve().then(() => parseSize("--data-size", size)),
      Error,
      `--data-size: wanted a size such as 64M or 2G, found "${size}"`,
    );
  }
  await assertRejects(
    () => buildImage({ output: "/nowhere/x.img", sizes: { esp: 16 << 20 } }),
    Error,
    "--esp-size: wanted whole MiB, at least 34M, found 16M",
  );
});

Deno.test("an image takes no more room on disk than what is in it", async () => {
  await inScratch(async (scratch) => {
    const image = await smallImage(scratch, { sizes: { esp: 64 << 20, slot: 1 << 30 } });
    const { size, blocks } = await Deno.stat(image);
    assert(size > 2 << 29);
    assert((blocks ?? 0) * 512 < 64 << 20, `${blocks} sectors of ${size / 512}`);
  });
});
