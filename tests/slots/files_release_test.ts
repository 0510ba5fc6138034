import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  type Fetch,
  type Release,
  type SlotFloor,
  SourceInterrupted,
  UpdateError,
} from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import { run, systemPartitions } from "../loop_disk.ts";
import { CuttingDisk, PowerCut } from "./cutting_disk.ts";
import { namesIn, Offer, randomBytes, type SlotBench, slotBench } from "./slot_bench.ts";

const KERNEL = randomBytes(2_000_000, 1);
const INITRAMFS = randomBytes(5_300_001, 2);
const FILES = ["SHA256SUMS", "kubesolo-os.gz", "version", "vmlinuz"];

function offer(version = "1.2.0", hasSizes = true): Offer {
  return new Offer({ vmlinuz: KERNEL, "kubesolo-os.gz": INITRAMFS }, { version, hasSizes });
}

/** As coreutils see the slot. */
async function assertHolds(bench: SlotBench, { version }: Release): Promise<void> {
  assertEquals(await bench.loop.mountPoints(), []);
  await bench.loop.mounted("KSOLOB", async (path) => {
    assertEquals(await namesIn(path), FILES);
    assertEquals(await Deno.readTextFile(`${path}/version`), `${version}\n`);
    const checked = await run("sh", "-c", `cd ${path} && sha256sum --strict -c SHA256SUMS`);
    assertEquals(checked, "vmlinuz: OK\nkubesolo-os.gz: OK\n");
  }, "ro,noload");
}

async function hasSums(bench: SlotBench): Promise<boolean> {
  const names = await bench.loop.mounted("KSOLOB", namesIn, "ro,noload");
  return names.includes("SHA256SUMS");
}

/** Sums as GRUB would find them, while the slot is mounted: read past the mount. */
async function hasSumsOnDisk(bench: SlotBench): Promise<boolean> {
  const listing = await run("debugfs", "-R", "ls -p /", bench.loop.of("KSOLOB"));
  return listing.includes("/SHA256SUMS/");
}

/** Breaks off once `bytes` of `name` have come. */
function breakOff(offer: Offer, name: string, bytes: number, error: Error): Fetch {
  return (artifact, sink) => {
    if (artifact.name !== name) return offer.fetch(artifact, sink);
    let left = bytes - sink.offset;
    return offer.fetch(artifact, {
      offset: sink.offset,
      hash: sink.hash,
      limit: sink.limit,
      restart: () => sink.restart(),
      write: async (piece) => {
        await sink.write(piece);
        left -= piece.length;
        if (left <= 0) throw error;
      },
    });
  };
}

function unreachable(): UpdateError {
  return new UpdateError("source", { operation: "fetching", found: "silence", advice: "wait" });
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

Deno.test("write() that fails leaves a slot that GRUB will not boot", async () => {
  await using bench = await slotBench();
  await bench.write(offer("1.0.0"));
  const next = offer("1.1.0");
  await assertRejects(() => bench.write(next, () => Promise.reject(unreachable())), UpdateError);
  assertEquals(await hasSums(bench), false);
  assertEquals(await bench.loop.mountPoints(), []);
  const { problem } = await bench.store.inspect("B");
  assertStringIncludes(problem ?? "", "SHA256SUMS");
  const error = await assertRejects(() => bench.store.verify("B"), UpdateError);
  assertEquals(error.code, "verification");
});

Deno.test("write() goes on at the byte where an earlier one was broken off", async () => {
  await using bench = await slotBench();
  const first = offer();
  const halted = breakOff(first, "kubesolo-os.gz", 3_000_000, unreachable());
  await assertRejects(() => bench.write(first, halted), UpdateError);
  const { artifacts: [, initramfs] } = first.release;
  const reached = bench.marks.of(initramfs);
  assert(reached >= 3_000_000 && reached < INITRAMFS.length);

  const second = offer();
  await bench.write(second);
  assertEquals(second.sent, INITRAMFS.length - reached);
  await assertHolds(bench, second.release);
});

Deno.test("write() goes on at the last mark after a failure that nobody understood", async () => {
  await using bench = await slotBench();
  const first = offer();
  const halted: Fetch = async (artifact, sink) => {
    if (artifact.name === "vmlinuz") return await first.fetch(artifact, sink);
    for (let at = 0; at < 3_500_000; at += 700_000) {
      await sink.write(INITRAMFS.subarray(at, at + 700_000));
    }
    throw new PowerCut();
  };
  await assertRejects(() => bench.write(first, halted), PowerCut);
  assertEquals(bench.marks.of(first.release.artifacts[1]), 2_800_000);
  const second = offer();
  await bench.write(second);
  assertEquals(second.sent, INITRAMFS.length - 2_800_000);
  await assertHolds(bench, second.release);
});

Deno.test("write() starts over where the bytes below the mark are not those that were written", async () => {
  await using bench = await slotBench();
  const first = offer();
  await assertRejects(
    () => bench.write(first, breakOff(first, "kubesolo-os.gz", 3_000_000, unreachable())),
    UpdateError,
  );
  await bench.loop.mounted("KSOLOB", async (path) => {
    using file = await Deno.open(`${path}/kubesolo-os.gz`, { write: true });
    await file.write(new TextEncoder().encode("torn"));
  });
  const second = offer();
  await bench.write(second);
  await assertHolds(bench, second.release);
  assert(second.sent > INITRAMFS.length);
});

Deno.test("write() starts over where the file is shorter than its mark", async () => {
  await using bench = await slotBench();
  const { release, fetch } = offer();
  await bench.marks.keep({ sha256: release.artifacts[1].sha256, bytes: 4_000_000 });
  await bench.store.write("B", { running: "A", release, fetch, marks: bench.marks });
  await assertHolds(bench, release);
});

Deno.test("write() keeps no mark for bytes that turned out to be wrong", async () => {
  await using bench = await slotBench();
  const promised = offer();
  const sent = new Offer({ vmlinuz: KERNEL, "kubesolo-os.gz": randomBytes(INITRAMFS.length, 9) });
  const wrong: Fetch = (artifact, sink) =>
    artifact.name === "vmlinuz" ? promised.fetch(artifact, sink) : promised.fetch(artifact, {
      ...sink,
      offset: 0,
      hash: sink.hash,
      limit: sink.limit,
      restart: () => sink.restart(),
      write: (bytes) => sink.write(bytes.map((byte) => byte ^ 1)),
    }).then(() =>
      Promise.reject(
        new UpdateError("verification", { operation: sent.name, found: "other", advice: "none" }),
      )
    );
  await assertRejects(() => bench.write(promised, wrong), UpdateError);
  assertEquals(bench.marks.of(promised.release.artifacts[1]), 0);
});

Deno.test("write() finds out that the slot reads back differently", async () => {
  await using bench = await slotBench();
  const promised = offer();
  // a disk that loses a bit: what the transfer has hashed is not what lands in the file
  const losing: Fetch = (artifact, sink) =>
    promised.fetch(artifact, {
      offset: sink.offset,
      hash: sink.hash,
      limit: sink.limit,
      restart: () => sink.restart(),
      write: (bytes) => sink.write(bytes.with(0, bytes[0] ^ 1)),
    });
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
    large.fetch(artifact, {
      offset: sink.offset,
      hash: sink.hash,
      limit: Infinity,
      restart: () => sink.restart(),
      write: (bytes) => sink.write(bytes),
    });
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

Deno.test("write() ends well after a power cut before any of its steps", async () => {
  const disk = new CuttingDisk(new DenoDisk());
  await using bench = await slotBench({ disk });
  const parts = {
    vmlinuz: randomBytes(40_000, 1),
    "kubesolo-os.gz": randomBytes(1_400_000, 2),
  };
  const old = new Offer({
    vmlinuz: randomBytes(50_000, 8),
    "kubesolo-os.gz": randomBytes(1_200_000, 9),
  }, { version: "1.0.0" });
  const next = new Offer(parts, { version: "1.1.0" });
  await bench.write(old);
  disk.steps = 0;
  await bench.write(next, next.evenly);
  const total = disk.steps;
  assert(total > 20, `${total} steps`);

  for (let cut = 0; cut < total; cut++) {
    disk.cutBefore = Infinity;
    await bench.write(old);
    disk.steps = 0;
    disk.cutBefore = cut;
    await assertRejects(() => bench.write(next, next.evenly), PowerCut);
    assertEquals(await bench.loop.mountPoints(), []);
    // whatever GRUB would boot is whole, the old or the new
    if (await hasSums(bench)) {
      await bench.loop.mounted(
        "KSOLOB",
        (path) => run("sh", "-c", `cd ${path} && sha256sum -c SHA256SUMS`),
        "ro,noload",
      );
    }
    disk.cutBefore = Infinity;
    await bench.write(next);
    await assertHolds(bench, next.release);
  }
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

Deno.test("a source's own interruption passes through write() as it is", async () => {
  await using bench = await slotBench();
  await assertRejects(
    () => bench.write(offer(), () => Promise.reject(new SourceInterrupted("gone"))),
    SourceInterrupted,
    "gone",
  );
});
