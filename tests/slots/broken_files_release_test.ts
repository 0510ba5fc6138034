import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Fetch, SourceInterrupted, UpdateError } from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import { run } from "../loop_disk.ts";
import { CuttingDisk, PowerCut } from "./cutting_disk.ts";
import { Offer, randomBytes, sinkWith, slotBench } from "./slot_bench.ts";
import {
  assertHolds,
  breakOff,
  hasSums,
  INITRAMFS,
  KERNEL,
  offer,
  unreachable,
} from "./_files_release.ts";

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
    artifact.name === "vmlinuz" ? promised.fetch(artifact, sink) : promised.fetch(
      artifact,
      sinkWith(sink, {
        offset: 0,
        write: (bytes) => sink.write(bytes.map((byte) => byte ^ 1)),
      }),
    ).then(() =>
      Promise.reject(
        new UpdateError("verification", { operation: sent.name, found: "other", advice: "none" }),
      )
    );
  await assertRejects(() => bench.write(promised, wrong), UpdateError);
  assertEquals(bench.marks.of(promised.release.artifacts[1]), 0);
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

Deno.test("a source's own interruption passes through write() as it is", async () => {
  await using bench = await slotBench();
  await assertRejects(
    () => bench.write(offer(), () => Promise.reject(new SourceInterrupted("gone"))),
    SourceInterrupted,
    "gone",
  );
});
