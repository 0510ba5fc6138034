import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Fetch, UpdateError } from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import { recognize, SUPERBLOCK_BYTES } from "../../mod/slots/_superblock.ts";
import { run, systemPartitions } from "../loop_disk.ts";
import { CuttingDisk, PowerCut } from "./cutting_disk.ts";
import { Offer, randomBytes, sinkWith, type SlotBench, slotBench } from "./slot_bench.ts";

/** What is at the beginning of slot B's device. */
async function beginningOf(bench: SlotBench, length: number): Promise<Uint8Array> {
  using device = await Deno.open(bench.loop.of("KSOLOB"));
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) at += await device.read(bytes.subarray(at)) ?? length;
  return bytes;
}

async function assertHolds(bench: SlotBench, image: Uint8Array): Promise<void> {
  const path = `${bench.loop.directory}/promised.img`;
  await Deno.writeFile(path, image);
  await run("cmp", `--bytes=${image.length}`, path, bench.loop.of("KSOLOB"));
  assertEquals(await bench.loop.mountPoints(), []);
}

/** Neither GRUB nor a kernel finds anything in it. */
async function isUnbootable(bench: SlotBench): Promise<boolean> {
  const beginning = await beginningOf(bench, 64 << 10);
  return beginning.every((byte) => byte === 0) &&
    recognize(beginning.subarray(0, SUPERBLOCK_BYTES)) === undefined;
}

/** A whole system in one file-system image. */
async function systemImage(make: (content: string, image: string) => Promise<unknown>) {
  const directory = await Deno.makeTempDir();
  try {
    const content = `${directory}/content`;
    await Deno.mkdir(content);
    await Deno.writeFile(`${content}/vmlinuz`, randomBytes(1_000_000, 1));
    await Deno.writeFile(`${content}/kubesolo-os.gz`, randomBytes(3_000_000, 2));
    await Deno.writeTextFile(`${content}/version`, "2.0.0\n");
    await run(
      "sh",
      "-c",
      `cd ${content} && sha256sum vmlinuz kubesolo-os.gz > SHA256SUMS`,
    );
    const image = `${directory}/image`;
    await make(content, image);
    return await Deno.readFile(image);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function ext4Image(): Promise<Uint8Array<ArrayBuffer>> {
  return systemImage((content, image) =>
    run("mke2fs", "-q", "-t", "ext4", "-L", "KSOLO", "-d", content, image, `${16 << 10}`)
  );
}

async function isThere(program: string): Promise<boolean> {
  return await run("sh", "-c", `command -v ${program}`).then(() => true, () => false);
}

Deno.test("write() puts an ext4 image into the slot, as cmp confirms, and what is in it can be read", async () => {
  await using bench = await slotBench();
  const image = await ext4Image();
  const offer = new Offer({ image });
  await bench.write(offer);
  await assertHolds(bench, image);
  assertEquals(await bench.store.inspect("B"), { version: "2.0.0" });
  await bench.store.verify("B", offer.release.artifacts);
  await bench.store.verify("B");
  await assertHolds(bench, image);
});

for (
  const [type, tool, make] of [
    [
      "squashfs",
      "mksquashfs",
      (from: string, to: string) => run("mksquashfs", from, to, "-quiet", "-no-progress"),
    ],
    ["erofs", "mkfs.erofs", (from: string, to: string) => run("mkfs.erofs", to, from)],
  ] as const
) {
  Deno.test({
    name: `write() puts a ${type} image into the slot`,
    ignore: !await isThere(tool), // where the tool is not installed
    async fn() {
      await using bench = await slotBench();
      const image = await systemImage(make);
      await bench.write(new Offer({ image }));
      await assertHolds(bench, image);
      assertEquals(await bench.store.inspect("B"), { version: "2.0.0" });
    },
  });
}

Deno.test("write() needs no slot that can be mounted, and an image none that the kernel knows", async () => {
  const partitions = systemPartitions().map((plan) =>
    plan.gptName === "KSOLOB" ? { ...plan, fileSystem: "none" as const } : plan
  );
  await using bench = await slotBench({ partitions });
  const image = randomBytes(4_000_123, 3);
  const offer = new Offer({ image });
  await bench.write(offer);
  await assertHolds(bench, image);
  await bench.store.verify("B", offer.release.artifacts);
  assertStringIncludes((await bench.store.inspect("B")).problem ?? "", "no file system");
});

Deno.test("write() takes images of any length, from none of a head to all of the slot", async () => {
  await using bench = await slotBench();
  for (const length of [1, 4096, 65_535, 65_536, 65_537, 1_500_000, 24 << 20]) {
    const image = randomBytes(length, length);
    const offer = new Offer({ image });
    await bench.write(offer);
    await assertHolds(bench, image);
    await bench.store.verify("B", offer.release.artifacts);
  }
});

Deno.test("write() refuses an image that is larger than the slot", async () => {
  await using bench = await slotBench();
  const offer = new Offer({ image: randomBytes((24 << 20) + 1) });
  const error = await assertRejects(() => bench.write(offer), UpdateError);
  assertEquals(error.code, "slot");
  assertStringIncludes(error.message, `room for ${24 << 20}`);
});

Deno.test("room() for an image is the size of the slot, whatever is in it", async () => {
  await using bench = await slotBench();
  const { release } = new Offer({ image: randomBytes(10) });
  assertEquals(await bench.store.room("B", release), { available: 24 << 20 });
});

Deno.test("write() keeps the slot's beginning zero until all the rest was read back", async () => {
  await using bench = await slotBench();
  await bench.write(new Offer({ image: await ext4Image() }));
  assertEquals(await isUnbootable(bench), false);

  const image = randomBytes(5_000_000, 5);
  const next = new Offer({ image });
  let looks = 0;
  const looking: Fetch = (artifact, sink) =>
    next.fetch(
      artifact,
      sinkWith(sink, {
        write: async (bytes) => {
          assert(await isUnbootable(bench));
          await sink.write(bytes);
          assert(await isUnbootable(bench));
          looks++;
        },
      }),
    );
  await bench.write(next, looking);
  assert(looks > 3);
  await assertHolds(bench, image);
});

Deno.test("write() leaves nothing bootable where the image reads back differently", async () => {
  await using bench = await slotBench();
  const promised = new Offer({ image: randomBytes(3_000_000, 6) });
  const losing: Fetch = (artifact, sink) =>
    promised.fetch(
      artifact,
      sinkWith(sink, {
        write: (bytes) => sink.write(bytes.with(bytes.length - 1, bytes[bytes.length - 1] ^ 1)),
      }),
    );
  const error = await assertRejects(() => bench.write(promised, losing), UpdateError);
  assertEquals(error.code, "verification");
  assert(await isUnbootable(bench));
});

Deno.test("write() of an image goes on at the last mark", async () => {
  await using bench = await slotBench();
  const image = randomBytes(6_000_000, 7);
  const first = new Offer({ image });
  const halted: Fetch = async (_artifact, sink) => {
    for (let at = 0; at < 3_500_000; at += 700_000) {
      await sink.write(image.subarray(at, at + 700_000));
    }
    throw new PowerCut();
  };
  await assertRejects(() => bench.write(first, halted), PowerCut);
  assertEquals(bench.marks.of(first.release.artifacts[0]), 2_800_000);
  assert(await isUnbootable(bench));

  const second = new Offer({ image });
  await bench.write(second);
  assertEquals(second.sent, image.length - 2_800_000);
  await assertHolds(bench, image);
});

Deno.test("write() of an image starts over where its head was lost, or is that of another", async () => {
  await using bench = await slotBench();
  const image = randomBytes(3_000_000, 8);
  const offer = new Offer({ image });
  await bench.write(offer);
  const kept = `${bench.loop.directory}/work/slot-head`;
  await Deno.remove(kept);
  await bench.write(offer);
  assertEquals(offer.sent, 2 * image.length);
  await assertHolds(bench, image);

  const bytes = await Deno.readFile(kept);
  await Deno.writeFile(kept, bytes.with(0, bytes[0] ^ 1));
  await bench.write(offer);
  assertEquals(offer.sent, 3 * image.length);
  await assertHolds(bench, image);
});

Deno.test("write() of an image starts over where the bytes below the mark were torn", async () => {
  await using bench = await slotBench();
  const image = randomBytes(3_000_000, 9);
  const offer = new Offer({ image });
  await bench.write(offer);
  using device = await Deno.open(bench.loop.of("KSOLOB"), { write: true });
  await device.seek(1_000_000, Deno.SeekMode.Start);
  await device.write(new TextEncoder().encode("torn"));
  await device.sync();
  await bench.write(offer);
  await assertHolds(bench, image);
});

/** Random bytes that GRUB and the kernel would take for ext4. */
function likeExt4(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = randomBytes(length, seed);
  bytes.set([0x53, 0xef], 1024 + 0x38);
  return bytes;
}

Deno.test("write() of an image ends well after a power cut before any of its steps", async () => {
  const disk = new CuttingDisk(new DenoDisk());
  await using bench = await slotBench({ disk });
  const old = likeExt4(2_000_000, 11);
  const image = likeExt4(2_500_000, 10);
  await bench.write(new Offer({ image: old }));
  const next = new Offer({ image });
  disk.steps = 0;
  await bench.write(next, next.evenly);
  const total = disk.steps;
  assert(total > 10, `${total} steps`);

  let bootable = 0;
  for (let cut = 0; cut < total; cut++) {
    disk.cutBefore = Infinity;
    await bench.write(new Offer({ image: old }));
    disk.steps = 0;
    disk.cutBefore = cut;
    await assertRejects(() => bench.write(next, next.evenly), PowerCut);
    disk.cutBefore = Infinity;
    if (recognize(await beginningOf(bench, SUPERBLOCK_BYTES))) {
      // before the first step it is the old one, before the last sync the new one
      await assertHolds(bench, cut === 0 ? old : image);
      bootable++;
    }
    await bench.write(next);
    await assertHolds(bench, image);
  }
  assertEquals(bootable, 2);
});

Deno.test("an image is refused where only file-system labels tell the slots apart", async () => {
  await using bench = await slotBench({ partitions: systemPartitions({ gptNames: false }) });
  const offer = new Offer({ image: randomBytes(100_000) });
  const before = await beginningOf(bench, 64 << 10);
  for (
    const attempt of [() => bench.write(offer), () => bench.store.room("B", offer.release)]
  ) {
    const error = await assertRejects(attempt, UpdateError);
    assertEquals(error.code, "slot");
    assertStringIncludes(error.message, "no GPT name");
  }
  assertEquals(await beginningOf(bench, 64 << 10), before);
});

Deno.test("write() of an image says that the device is write-protected", async () => {
  await using bench = await slotBench();
  await bench.loop.writeProtect();
  const offer = new Offer({ image: randomBytes(100_000) });
  const error = await assertRejects(() => bench.write(offer), UpdateError);
  assertEquals(error.code, "slot");
  assertStringIncludes(error.message, "write-protected");
});
