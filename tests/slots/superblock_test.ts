import { assertEquals } from "@std/assert";
import { recognize, SUPERBLOCK_BYTES } from "../../mod/slots/_superblock.ts";
import { run } from "../loop_disk.ts";

async function beginningOf(program: string, args: string[], mebibytes = 40): Promise<Uint8Array> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.truncate(path, mebibytes << 20);
    await run(program, ...args, path);
    using file = await Deno.open(path);
    const bytes = new Uint8Array(SUPERBLOCK_BYTES);
    await file.read(bytes);
    return bytes;
  } finally {
    await Deno.remove(path);
  }
}

const CLEAN = { damaged: false, orphans: false };

Deno.test("recognize() reads the label of ext4, ext3 and ext2", async () => {
  for (const type of ["ext4", "ext3", "ext2"]) {
    const bytes = await beginningOf("mke2fs", ["-q", "-F", "-t", type, "-L", "KSOLOB"]);
    assertEquals(recognize(bytes), { type: "ext4", label: "KSOLOB", ...CLEAN });
  }
});

Deno.test("recognize() gives no label where ext4 has none, and takes all 16 bytes of a long one", async () => {
  const none = await beginningOf("mke2fs", ["-q", "-F", "-t", "ext4"]);
  assertEquals(recognize(none), { type: "ext4", label: undefined, ...CLEAN });
  const long = await beginningOf("mke2fs", ["-q", "-F", "-t", "ext4", "-L", "0123456789abcdef"]);
  assertEquals(recognize(long)?.label, "0123456789abcdef");
});

Deno.test("recognize() sees recorded damage and orphans of ext4", async () => {
  const bytes = await beginningOf("mke2fs", ["-q", "-F", "-t", "ext4"]);
  bytes[1024 + 0x3a] |= 0x2;
  assertEquals(recognize(bytes)?.damaged, true);
  assertEquals(recognize(bytes)?.orphans, false);
  bytes[1024 + 0xe8] = 12;
  assertEquals(recognize(bytes)?.orphans, true);
});

Deno.test("recognize() reads the label of FAT12, FAT16 and FAT32", async () => {
  for (const [bits, mebibytes] of [["12", 4], ["16", 20], ["32", 40]] as const) {
    const args = ["-F", bits, "-n", "KSOLOEFI"];
    assertEquals(recognize(await beginningOf("mkfs.fat", args, mebibytes)), {
      type: "vfat",
      label: "KSOLOEFI",
    });
  }
  const unnamed = await beginningOf("mkfs.fat", ["-F", "32"]);
  assertEquals(recognize(unnamed), { type: "vfat", label: undefined });
});

Deno.test("recognize() knows squashfs and erofs by their magic numbers", () => {
  const squashfs = new Uint8Array(SUPERBLOCK_BYTES);
  squashfs.set(new TextEncoder().encode("hsqs"));
  assertEquals(recognize(squashfs), { type: "squashfs" });
  const erofs = new Uint8Array(SUPERBLOCK_BYTES);
  erofs.set([0xe2, 0xe1, 0xf5, 0xe0], 1024);
  erofs.set(new TextEncoder().encode("KSOLOA"), 1024 + 64);
  assertEquals(recognize(erofs), { type: "erofs", label: "KSOLOA" });
});

Deno.test("recognize() knows nothing of zeros, of a boot sector without FAT, and of too few bytes", () => {
  const bytes = new Uint8Array(SUPERBLOCK_BYTES);
  assertEquals(recognize(bytes), undefined);
  bytes.set([0x55, 0xaa], 510);
  assertEquals(recognize(bytes), undefined);
  assertEquals(recognize(bytes.subarray(0, 512)), undefined);
});
