import { assertEquals, assertRejects } from "@std/assert";
import { askExt4, editExt4 } from "../../tasks/ext4.ts";
import { ensureImageTools } from "../../tasks/image.ts";
import {
  grubenvSummary,
  readDataFile,
  readEspFile,
  readGrubenv,
  readSlotFile,
  removeEspFile,
  removeSlotFile,
  writeDataFile,
  writeEspFile,
  writeSlotFile,
} from "../../tasks/offline.ts";
import { imagePartition } from "../../tasks/partition_table.ts";
import { runText } from "../../tasks/run.ts";
import { inScratch } from "../in_scratch.ts";
import { smallImage } from "./_small_image.ts";

await ensureImageTools();

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (read: Uint8Array) => new TextDecoder().decode(read);
const small = (scratch: string) => smallImage(scratch, { bios: false, efi: false });

Deno.test("a boot environment is read as GRUB reads it, or as nothing", async () => {
  await inScratch(async (scratch) => {
    const image = await small(scratch);
    const block = "# GRUB Environment Block\nactive_slot=B\nboot_counter=2\nboot_success=0\n";
    await writeEspFile(image, "grub/grubenv", bytes(block.padEnd(1024, "#")));
    assertEquals(await readGrubenv(image), {
      active_slot: "B",
      boot_counter: "2",
      boot_success: "0",
    });
    await writeEspFile(image, "grub/grubenv", new Uint8Array(1024));
    assertEquals(await grubenvSummary(image), "-/-/-");
    assertEquals(await grubenvSummary(image, "grubenv.bak"), "A/3/1");
  });
});

Deno.test("files of the ESP are written with their directories, replaced and removed", async () => {
  await inScratch(async (scratch) => {
    const image = await small(scratch);
    await writeEspFile(image, "some/where/file", bytes("one"));
    await writeEspFile(image, "some/where/file", bytes("two"));
    assertEquals(text(await readEspFile(image, "some/where/file")), "two");
    await removeEspFile(image, "some/where/file");
    await assertRejects(() => readEspFile(image, "some/where/file"), Error, "not found");
  });
});

Deno.test("files of slots and of the data partition are written, replaced and removed", async () => {
  await inScratch(async (scratch) => {
    const image = await small(scratch);
    await writeSlotFile(image, "A", "version", bytes("9.9.9\n"));
    assertEquals(text(await readSlotFile(image, "A", "version")), "9.9.9\n");
    assertEquals(text(await readSlotFile(image, "B", "version")), "2.0.0\n");
    await removeSlotFile(image, "A", "version");
    await assertRejects(() => readSlotFile(image, "A", "version"), Error, "not found");
    await writeDataFile(image, "etc-kubesolo/on-boot", bytes("#!/bin/sh\nreboot\n"), 0o755);
    await writeDataFile(image, "new/deep/file", bytes("x"));
    assertEquals(text(await readDataFile(image, "etc-kubesolo/on-boot")), "#!/bin/sh\nreboot\n");
    assertEquals(text(await readDataFile(image, "new/deep/file")), "x");
    for (const name of ["KSOLOA", "KSOLODATA"]) {
      const { offset } = await imagePartition(image, name);
      await runText("e2fsck", ["-fn", `${image}?offset=${offset}`]);
    }
  });
});

Deno.test("after a power cut the journal is read along, and goes first where something is written", async () => {
  await inScratch(async (scratch) => {
    const image = await small(scratch);
    await writeDataFile(image, "file", bytes("old".padEnd(4096)));
    const { offset } = await imagePartition(image, "KSOLODATA");
    const place = { image, offset };
    const [block] = (await runText("debugfs", ["-R", "blocks /file", `${image}?offset=${offset}`]))
      .trim().split(" ");
    await Deno.writeTextFile(`${scratch}/new`, "new".padEnd(4096));
    await editExt4(place, ["journal_open", `journal_write -b ${block} ${scratch}/new`, "jc"]);
    const onDisk = async () => text(await askExt4(place, "cat /file")).trim();
    assertEquals(await onDisk(), "old");
    assertEquals(text(await readDataFile(image, "file")).trim(), "new");
    assertEquals(await onDisk(), "old");
    await writeDataFile(image, "other", bytes("x"));
    assertEquals(await onDisk(), "new");
  });
});

Deno.test("a file that is no disk image is named as what it is", async () => {
  await assertRejects(
    () => readDataFile("/etc/passwd", "file"),
    Error,
    "reading the partition table of /etc/passwd: no GUID partition table",
  );
});
