import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Fetch, type SlotFloor, UpdateError } from "../../mod/core/mod.ts";
import { run, systemPartitions } from "../loop_disk.ts";
import { namesIn, Offer, randomBytes, sinkWith, type SlotBench, slotBench } from "./slot_bench.ts";
import {
  assertHolds,
  breakOff,
  FILES,
  hasSums,
  INITRAMFS,
  KERNEL,
  offer,
  unreachable,
} from "./_files_release.ts";

/** Sums as GRUB would find them, while the slot is mounted: read past the mount. */
async function hasSumsOnDisk(bench: SlotBench): Promise<boolean> {
  const listing = await run("debugfs", "-R", "ls -p /", bench.loop.of("KSOLOB"));
  return listing.includes("/SHA256SUMS/");
}

Deno.test("write() puts a release of files into the slot, as sha256sum -c confirms", async () => {
  await using bench = await slotBench();
  const first = offer();
  await bench.write(first);
  await assertHolds(bench, first.release);
  await bench.store.verify("B");
  await bench.store.verify("B", first.release.artifacts);
  assertEquals(await bench.store.inspect("B"), { version: "1.2.0" });

  const last = bench.events.findLast((event) => event.kind === "progress");
  assert(last?.kind === "progress");
  assertEquals([last.artifact, last.action, last.done], ["kubesolo-os.gz", "verify", 5_300_001]);
});

Deno.test("write() keeps the floor beside the release, and the older one until then", async () => {
  await using bench = await slotBench();
  const { release, fetch } = offer();
  const write = (floor: SlotFloor, by: Fetch) =>
    bench.store.write("B", { running: "A", release, fetch: by, marks: bench.marks, floor });
  const old = { version: "1.0.0", metadata_versions: { stable: 1 } };
  await write(old, fetch);
  assertEquals(await bench.store.inspect("B"), { version: "1.2.0", floor: old });
  const names = await bench.loop.mounted("KSOLOB", namesIn, "ro,noload");
  assertEquals(names, ["SHA256SUMS", "floor", ...FILES.slice(1)]);

  const next = { ...old, metadata_versions: { stable: 2 }, raises: "1.1.0" };
  const later = new Offer({ vmlinuz: KERNEL, "kubesolo-os.gz": randomBytes(5_300_002, 7) }, {
    version: "1.3.0",
  });
  const order = { running: "A", release: later.release, marks: bench.marks, floor: next } as const;
  const cut = breakOff(later, "kubesolo-os.gz", 3_000_000, unreachable());
  await assertRejects(() => bench.store.write("B", { ...order, fetch: cut }), UpdateError);
  assertEquals((await bench.store.inspect("B")).floor, old);
  await bench.store.write("B", { ...order, fetch: later.fetch });
  assertEquals(await bench.store.inspect("B"), { version: "1.3.0", floor: next });
});

Deno.test("write() replaces a release, and fetches nothing of a file that is there already", async () => {
  await using bench = await slotBench();
  await bench.write(offer());
  const next = new Offer({ vmlinuz: KERNEL, "kubesolo-os.gz": randomBytes(3_000_000, 3) }, {
    version: "1.3.0",
  });
  await bench.write(next);
  assertEquals(next.sent, 3_000_000);
  await assertHolds(bench, next.release);
});

Deno.test("write() does not take another file of the same size for the same file", async () => {
  await using bench = await slotBench();
  await bench.write(offer());
  const next = new Offer({
    vmlinuz: randomBytes(KERNEL.length, 11),
    "kubesolo-os.gz": randomBytes(INITRAMFS.length, 12),
  });
  await bench.write(next, next.evenly);
  await assertHolds(bench, next.release);
});

Deno.test("write() cuts off what lies behind the mark", async () => {
  await using bench = await slotBench();
  const { release, evenly: fetch } = offer();
  await bench.loop.mounted("KSOLOB", (path) => {
    const longer = new Uint8Array(INITRAMFS.length + 1_000_000);
    longer.set(INITRAMFS.subarray(0, 2_000_000));
    return Deno.writeFile(`${path}/kubesolo-os.gz`, longer);
  });
  const marks = { of: () => 2_000_000, keep: () => Promise.resolve() };
  await bench.store.write("B", { running: "A", release, fetch, marks });
  await assertHolds(bench, release);
});

Deno.test("write() takes a release that does not say its sizes", async () => {
  await using bench = await slotBench();
  const sizeless = offer("1.2.0", false);
  await bench.write(sizeless);
  await assertHolds(bench, sizeless.release);
});

Deno.test("write() leaves no SHA256SUMS in the slot from its first step to its last", async () => {
  await using bench = await slotBench();
  await bench.write(offer("1.0.0"));
  assert(await hasSums(bench));
  const next = new Offer({ vmlinuz: randomBytes(100_000, 7), "kubesolo-os.gz": INITRAMFS });
  let looks = 0;
  await bench.write(next, async (artifact, sink) => {
    assertEquals(await hasSumsOnDisk(bench), false);
    await next.fetch(artifact, sink);
    assertEquals(await hasSumsOnDisk(bench), false);
    looks++;
  });
  assertEquals(looks, 2);
  assert(await hasSums(bench));
});

Deno.test("write() finds out that the slot reads back differently", async () => {
  await using bench = await slotBench();
  const promised = offer();
  // a disk that loses a bit: what the transfer has hashed is not what lands in the file
  const losing: Fetch = (artifact, sink) =>
    promised.fetch(
      artifact,
      sinkWith(sink, {
        write: (bytes) => sink.write(bytes.with(0, bytes[0] ^ 1)),
      }),
    );
  const error = await assertRejects(() => bench.write(promised, losing), UpdateError);
  assertEquals(error.code, "verification");
  assertStringIncludes(error.message, "reading back slot B");
  assertEquals(await hasSums(bench), false);
});

Deno.test("write() says that the slot is full, and a smaller release fits afterwards", async () => {
  await using bench = await slotBench();
  const large = new Offer({ vmlinuz: KERNEL, "kubesolo-os.gz": randomBytes(30_000_000, 4) });
  // a source that does not say its size is stopped by the sink's limit
  const sizeless = new Offer({ vmlinuz: KERNEL, "kubesolo-os.gz": randomBytes(30_000_000, 4) }, {
    hasSizes: false,
  });
  for (const each of [large, sizeless]) {
    const error = await assertRejects(() => bench.write(each), UpdateError);
    assertEquals(error.code, "slot");
    assertStringIncludes(error.message, "room for");
  }
  // and one that lies about the limit by the kernel
  const unlimited: Fetch = (artifact, sink) =>
    large.fetch(artifact, sinkWith(sink, { limit: Infinity }));
  const error = await assertRejects(() => bench.write(large, unlimited), UpdateError);
  assertEquals(error.code, "slot");
  assertStringIncludes(error.message, "slot B (");
  assertStringIncludes(error.message, "full (ENOSPC)");

  const small = offer();
  await bench.write(small);
  await assertHolds(bench, small.release);
});

Deno.test("room() counts what is free and what would be replaced, and a release of that size fits", async () => {
  await using bench = await slotBench();
  const empty = await bench.store.room("B", offer().release);
  await bench.write(offer());
  const { available } = await bench.store.room("B", offer().release);
  assert(Math.abs(available - empty.available) < 100_000, `${available}, ${empty.available}`);

  const largest = new Offer({
    vmlinuz: randomBytes(KERNEL.length + 1, 5),
    "kubesolo-os.gz": randomBytes(available - KERNEL.length - 1, 6),
  });
  await bench.write(largest);
  await assertHolds(bench, largest.release);
});

Deno.test("write() refuses a slot without a file system, and says how to make one", async () => {
  const partitions = systemPartitions().map((plan) =>
    plan.gptName === "KSOLOB" ? { ...plan, fileSystem: "none" as const } : plan
  );
  await using bench = await slotBench({ partitions });
  for (
    const attempt of [
      () => bench.write(offer()),
      () => bench.store.room("B", offer().release),
      () => bench.store.verify("B"),
    ]
  ) {
    const error = await assertRejects(attempt, UpdateError);
    assertEquals(error.code, "slot");
    assertStringIncludes(error.advice, `mke2fs -t ext4 -L KSOLOB ${bench.loop.of("KSOLOB")}`);
  }
  const { problem } = await bench.store.inspect("B");
  assertStringIncludes(problem ?? "", "no file system");
});

Deno.test("write() clears an unclean slot's way: room() estimates, writing repairs", async () => {
  await using bench = await slotBench();
  await bench.loop.mounted("KSOLOB", (path) => Deno.writeTextFile(`${path}/note`, "half gone"));
  const device = bench.loop.of("KSOLOB");
  await run("debugfs", "-w", "-R", "set_inode_field note links_count 0", device);
  await run("debugfs", "-w", "-R", "set_super_value last_orphan 12", device);
  const { release, fetch } = offer();
  assertEquals((await bench.store.room("B", release)).available, 24 << 20);
  const order = { running: "A", release, fetch, marks: bench.marks } as const;
  await bench.store.write("B", order);
  await bench.store.verify("B", release.artifacts);
});
