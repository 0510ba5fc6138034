import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { releaseDigest, transfer, UpdateError } from "../../mod/core/mod.ts";
import { OciSource } from "../../mod/oci/mod.ts";
import type { ReadOnlyTarget } from "../../mod/oras/mod.ts";
import { RecordedReporter, RecordedSink, sha256 } from "../core/_recorded_sink.ts";
import { bytesOf, contentKeys, PREFIX, pushPackedImage, ShakyTarget, zstd } from "./_packed.ts";

const IMAGE = bytesOf(1, 6_000_000);
const ZSTD = zstd(IMAGE);

function sourceOf(target: ReadOnlyTarget): OciSource {
  const name = "memory/os:stable";
  return new OciSource({ name, target, reference: "stable", architecture: "x86_64" });
}

/** Fetches what the release consists of, as the agent does. */
async function fetchAll(
  source: OciSource,
  reporter = new RecordedReporter(),
): Promise<RecordedSink> {
  const sink = new RecordedSink();
  const { artifacts: [image] } = await source.latest();
  await transfer(source, image, sink, { reporter, stallSeconds: 20, sleep: async () => {} });
  return sink;
}

async function refusal(target: ReadOnlyTarget, words: string): Promise<RecordedReporter> {
  const reporter = new RecordedReporter();
  const error = await assertRejects(() => fetchAll(sourceOf(target), reporter), UpdateError);
  assertEquals(error.code, "verification", error.message);
  assertStringIncludes(error.message, words);
  assertEquals(reporter.warnings, [], "asking again would not help");
  return reporter;
}

Deno.test("a partition image in zstd is known by its own size and digest, and comes unpacked", async () => {
  const target = new ShakyTarget(await pushPackedImage({ image: IMAGE, packed: ZSTD }));
  const source = sourceOf(target);
  const release = await source.latest();
  assertEquals(release.artifacts, [{ name: "image", sha256: sha256(IMAGE), size: IMAGE.length }]);
  assertEquals(releaseDigest(release), `sha256:${sha256(IMAGE)}`);
  assertEquals(target.fetched, []);
  assertEquals((await fetchAll(source)).bytes, IMAGE);
});

Deno.test("the annotations may be the manifest's own", async () => {
  const target = await pushPackedImage({
    image: IMAGE,
    packed: ZSTD,
    layerAnnotations: { "org.opencontainers.image.title": "slot.img.zst" },
    annotations: contentKeys("image", IMAGE),
  });
  assertEquals((await fetchAll(sourceOf(target))).bytes, IMAGE);
});

Deno.test("a connection that breaks is taken up by Range; nothing is unpacked twice", async () => {
  const inner = await pushPackedImage({ image: IMAGE, packed: ZSTD });
  const [first, second] = [Math.floor(ZSTD.length / 3), Math.floor(ZSTD.length / 2)];
  const target = new ShakyTarget(inner, first, second - first);
  const reporter = new RecordedReporter();
  const sink = await fetchAll(sourceOf(target), reporter);
  assertEquals(sink.bytes, IMAGE);
  assertEquals(sink.restarts, 0);
  assertEquals(target.fetched, ["v1+zstd@0", `v1+zstd@${first}`, `v1+zstd@${second}`]);
  assertEquals(reporter.warnings.length, 2);
  for (const warning of reporter.warnings) assertStringIncludes(warning, "ended too early");
});

Deno.test("bytes that a reader gave up are given again; older ones start over", async () => {
  const target = new ShakyTarget(await pushPackedImage({ image: IMAGE, packed: ZSTD }));
  const source = sourceOf(target);
  const { artifacts: [image] } = await source.latest();
  const read = async (offset: number) => {
    const abort = new AbortController();
    const body = await source.open(image, offset, abort.signal);
    const reader = body.stream.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(1 << 20), { min: 1 << 20 });
    abort.abort();
    await reader.cancel();
    return [body.offset, value] as const;
  };
  assertEquals(await read(0), [0, IMAGE.slice(0, 1 << 20)]);
  assertEquals(await read(1 << 20), [1 << 20, IMAGE.slice(1 << 20, 2 << 20)]);
  assertEquals(await read(700_000), [700_000, IMAGE.slice(700_000, 700_000 + (1 << 20))]);
  for (const _ of [1, 2, 3]) {
    await source.open(image, 0).then(({ stream }) => new Response(stream).bytes());
  }
  // more than is kept lies in between
  assertEquals(await read(900_000), [0, IMAGE.slice(0, 1 << 20)]);
});

Deno.test("what another process has left starts over", async () => {
  const source = sourceOf(await pushPackedImage({ image: IMAGE, packed: ZSTD }));
  const sink = new RecordedSink({ left: IMAGE.subarray(0, 1_000_000) });
  const { artifacts: [image] } = await source.latest();
  const reporter = new RecordedReporter();
  await transfer(source, image, sink, { reporter, stallSeconds: 20, sleep: async () => {} });
  assertEquals([sink.bytes, sink.restarts], [IMAGE, 1]);
});

for (
  const [what, layerAnnotations, words] of [
    ["no digest", { [`${PREFIX}image.size`]: "5" }, "no annotation io.kubesolo.os.image.sha256"],
    [
      "a digest that is none",
      { ...contentKeys("image", IMAGE), [`${PREFIX}image.sha256`]: "ABCD" },
      "io.kubesolo.os.image.sha256 is no SHA-256",
    ],
    [
      "no size",
      { [`${PREFIX}image.sha256`]: sha256(IMAGE) },
      "no annotation io.kubesolo.os.image.size",
    ],
    ...["-5", "0", "1e9", "five", "99999999999999", "0x10"].map((size) =>
      [
        `the size ${size}`,
        { ...contentKeys("image", IMAGE), [`${PREFIX}image.size`]: size },
        "io.kubesolo.os.image.size is no number of bytes up to 1099511627776",
      ] as const
    ),
  ] as const
) {
  Deno.test(`a packed image with ${what} is refused before anything is fetched`, async () => {
    const target = new ShakyTarget(
      await pushPackedImage({ image: IMAGE, packed: ZSTD, layerAnnotations }),
    );
    await refusal(target, words);
    assertEquals(target.fetched, []);
  });
}

Deno.test("an image that is another one than announced is refused at its end", async () => {
  const other = bytesOf(2, IMAGE.length);
  await refusal(await pushPackedImage({ image: IMAGE, packed: zstd(other) }), sha256(other));
});

Deno.test("a packed image that ends too early, or is damaged, is refused", async () => {
  const half = ZSTD.slice(0, ZSTD.length / 2);
  await refusal(await pushPackedImage({ image: IMAGE, packed: half }), "ends too early");
  const damaged = ZSTD.slice();
  damaged.fill(0xff, 1000, 2000);
  await refusal(await pushPackedImage({ image: IMAGE, packed: damaged }), "unpacking zstd");
  const longer = new Uint8Array(ZSTD.length + 100);
  longer.set(ZSTD);
  const words = "other bytes behind the last frame";
  await refusal(await pushPackedImage({ image: IMAGE, packed: longer }), words);
  const garbage = new Uint8Array(5000).fill(7);
  await refusal(await pushPackedImage({ image: IMAGE, packed: garbage }), "no frame");
});

Deno.test("packed bytes that are not those of the digest are refused", async () => {
  // the same image; the difference is in a frame that holds nothing
  const [packed, other] = [1, 2].map((byte) =>
    new Uint8Array([...ZSTD, 0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, byte])
  );
  const inner = await pushPackedImage({ image: IMAGE, packed });
  const target: ReadOnlyTarget = {
    resolve: (reference) => inner.resolve(reference),
    referrers: (subject) => inner.referrers(subject),
    fetch: (wanted, options) =>
      wanted.mediaType.endsWith("zstd")
        ? Promise.resolve(ReadableStream.from([other.slice()]))
        : inner.fetch(wanted, options),
  };
  await refusal(target, "verifying sha256:");
});

Deno.test("no more is handed on than was announced, and a bomb is refused", async () => {
  const bomb = zstd(new Uint8Array(50_000_000));
  const target = await pushPackedImage({
    image: IMAGE,
    packed: bomb,
    layerAnnotations: { ...contentKeys("image", IMAGE), [`${PREFIX}image.size`]: "1000000" },
  });
  const source = sourceOf(target);
  const { artifacts: [image] } = await source.latest();
  const { stream } = await source.open(image, 0);
  let size = 0;
  const error = await assertRejects(async () => {
    for await (const bytes of stream) size += bytes.length;
  }, UpdateError);
  assertEquals(error.code, "verification");
  assertStringIncludes(error.message, "more than the 1000000 bytes announced");
  assertEquals(size <= 1_000_000, true, `${size}`);
});

Deno.test("an image that is smaller than announced is refused, and not asked for again", async () => {
  const layerAnnotations = { ...contentKeys("image", IMAGE), [`${PREFIX}image.size`]: "7000000" };
  const target = await pushPackedImage({ image: IMAGE, packed: ZSTD, layerAnnotations });
  await refusal(target, "6000000 bytes instead of the 7000000 bytes announced");
});

Deno.test("a layer that is gone is the source's failure", async () => {
  const inner = await pushPackedImage({ image: IMAGE, packed: ZSTD });
  const source = sourceOf({
    resolve: (reference) => inner.resolve(reference),
    referrers: (subject) => inner.referrers(subject),
    fetch: (wanted, options) =>
      inner.fetch(
        wanted.mediaType.endsWith("zstd")
          ? { ...wanted, digest: `sha256:${"0".repeat(64)}` }
          : wanted,
        options,
      ),
  });
  const error = await assertRejects(() => fetchAll(source), UpdateError);
  assertEquals(error.code, "source", error.message);
});
