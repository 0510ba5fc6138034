import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ByteStream,
  copy,
  COPY_TRIES,
  type Descriptor,
  type FetchOptions,
  MemoryTarget,
  OrasError,
  packManifest,
  pushManifest,
} from "@kubesolo/update/oras";
import { assertWhole, pushArtifact, pushGraph, TYPE, WatchedTarget } from "./_graph.ts";
import { textBlob } from "./_image.ts";

Deno.test("copy() stops at content that is not what it is called, and tags nothing", async () => {
  class LyingTarget extends MemoryTarget {
    override async fetch(target: Descriptor, options?: FetchOptions): Promise<ByteStream> {
      const bytes = await new Response(await super.fetch(target, options)).bytes();
      if (target.digest === LIE.target.digest) bytes[0] ^= 1;
      return new Response(bytes).body!;
    }
  }
  const LIE = textBlob("the truth");
  const [source, destination] = [new LyingTarget(), new WatchedTarget()];
  const blobs = [LIE, ...Array.from({ length: 12 }, (_, n) => textBlob(`blob ${n}`))];
  const { descriptor } = await pushArtifact(source, blobs);
  const copied = () => copy(source, descriptor.digest, destination, { tag: "v1" });
  assertEquals((await assertRejects(copied, OrasError)).code, "content");
  assertEquals(await destination.tags(), []);
  assertEquals(await destination.exists(descriptor), false);
  assert(destination.pushed.length < 6, "the others went on");
  assertEquals(destination.atOnce.now, 0);
});

Deno.test("copy() begins a blob whose connection broke again, and gives it up in the end", async () => {
  for (const broken of [COPY_TRIES - 1, COPY_TRIES]) {
    const source = new MemoryTarget();
    const blob = textBlob("far away");
    const { descriptor } = await pushArtifact(source, [blob]);
    let left = broken;
    const destination = new class extends MemoryTarget {
      override async push(expected: Descriptor, content: ByteStream | Uint8Array<ArrayBuffer>) {
        if (expected.digest === blob.target.digest && left-- > 0) {
          throw new OrasError("unreachable", "pushing", "the connection broke");
        }
        await super.push(expected, content);
      }
    }();
    const copying = copy(source, descriptor.digest, destination);
    if (broken < COPY_TRIES) await copying;
    else await assertRejects(() => copying, OrasError, "the connection broke");
    assertEquals(await destination.exists(descriptor), broken < COPY_TRIES);
  }
});

Deno.test("copy() does not wait for blobs that hang, once another has failed", async () => {
  class HangingTarget extends MemoryTarget {
    override fetch(target: Descriptor, options?: FetchOptions): Promise<ByteStream> {
      if (target.digest !== slow.target.digest) return super.fetch(target, options);
      const stream: ByteStream = new ReadableStream({
        start(controller) {
          options?.signal?.addEventListener("abort", () => controller.error(new Error("stopped")));
        },
      });
      return Promise.resolve(stream);
    }
  }
  const [slow, gone] = [textBlob("slow"), textBlob("gone")];
  const [source, destination] = [new HangingTarget(), new MemoryTarget()];
  await source.push(slow.target, slow.bytes);
  const packed = packManifest({ artifactType: TYPE, layers: [slow.target, gone.target] });
  await pushManifest(source, packed);
  const copied = () => copy(source, packed.descriptor.digest, destination);
  assertEquals((await assertRejects(copied, OrasError)).code, "missing");
});

Deno.test("copy() ends when its signal says so", async () => {
  const [source, destination] = [new MemoryTarget(), new MemoryTarget()];
  await pushGraph(source);
  const stop = new AbortController();
  const copied = () =>
    copy(source, "v1", destination, {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
  await assertRejects(copied, Error, "enough");
  assertEquals(await destination.tags(), []);
});

Deno.test("copy() ends where manifests lead in a circle", async () => {
  // No digest does that; a source that makes referrers up does.
  class CircularTarget extends MemoryTarget {
    override async referrers(subject: Descriptor): Promise<Descriptor[]> {
      return [...await super.referrers(subject), await this.resolve("v1"), subject];
    }
  }
  const [source, destination] = [new CircularTarget(), new MemoryTarget()];
  const { index, proof } = await pushGraph(source);
  await copy(source, "v1", destination, { referrers: true });
  for (const packed of [index, proof]) await assertWhole(destination, packed);
});
