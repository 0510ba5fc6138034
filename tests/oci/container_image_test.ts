import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { transfer, UpdateError } from "../../mod/core/mod.ts";
import { MAX_CONFIG_BYTES, OciSource } from "../../mod/oci/mod.ts";
import type { ReadOnlyTarget } from "../../mod/oras/mod.ts";
import { RecordedReporter, RecordedSink } from "../core/_recorded_sink.ts";
import { run, TemporaryDirectory } from "../oras/_image.ts";
import {
  type Bytes,
  bytesOf,
  contentKeys,
  gzip,
  OCI_LAYER,
  PREFIX,
  pushContainerImage,
  ShakyTarget,
  tarOf,
  zstd,
} from "./_packed.ts";

const KERNEL = bytesOf(3, 300_000);
const INITRAMFS = bytesOf(4, 2_000_000);
const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

const LABELS: Readonly<Record<string, string>> = {
  [`${PREFIX}version`]: "2.0.0",
  [`${PREFIX}channel`]: "stable",
  ...contentKeys("vmlinuz", KERNEL),
  ...contentKeys("initramfs", INITRAMFS),
};

const BOTH = await tarOf(["boot/vmlinuz", KERNEL], ["boot/kubesolo-os.gz", INITRAMFS]);
const TWO: readonly (readonly [string, Bytes])[] = [
  [OCI_LAYER, await tarOf(["boot/kubesolo-os.gz", INITRAMFS])],
  [OCI_LAYER, await tarOf(["boot/vmlinuz", KERNEL])],
];

function sourceOf(target: ReadOnlyTarget): OciSource {
  const name = "memory/os:stable";
  return new OciSource({ name, target, reference: "stable", architecture: "x86_64" });
}

/** Both files, as the agent fetches them. */
async function fetchAll(
  target: ReadOnlyTarget,
  reporter = new RecordedReporter(),
): Promise<readonly Bytes[]> {
  const source = sourceOf(target);
  const files: Bytes[] = [];
  for (const artifact of (await source.latest()).artifacts) {
    const sink = new RecordedSink();
    await transfer(source, artifact, sink, { reporter, stallSeconds: 20, sleep: async () => {} });
    files.push(sink.bytes);
  }
  return files;
}

async function refusal(target: ReadOnlyTarget, words: string): Promise<void> {
  const reporter = new RecordedReporter();
  const error = await assertRejects(() => fetchAll(target, reporter), UpdateError);
  assertEquals(error.code, "verification", error.message);
  assertStringIncludes(error.message, words);
  assertEquals(reporter.warnings, [], "asking again would not help");
}

for (
  const [what, layers] of [
    ["two plain layers", TWO],
    ["one plain layer", [[OCI_LAYER, BOTH]]],
    ["gzip", [[`${OCI_LAYER}+gzip`, gzip(BOTH)]]],
    ["zstd", [[`${OCI_LAYER}+zstd`, zstd(BOTH)]]],
    ["Docker's kind of layer", [[DOCKER_LAYER, gzip(BOTH)]]],
    ["a layer that others have put on top", [...TWO, [OCI_LAYER, await tarOf(["etc/os", KERNEL])]]],
    [
      "an older kernel below",
      [[OCI_LAYER, await tarOf(["boot/vmlinuz", INITRAMFS])], ...TWO],
    ],
    [
      "other ways to write a path",
      [[OCI_LAYER, await tarOf(["./boot/vmlinuz", KERNEL], ["/boot/kubesolo-os.gz", INITRAMFS])]],
    ],
  ] as readonly (readonly [string, readonly (readonly [string, Bytes])[]])[]
) {
  Deno.test(`a release is taken from a container image of ${what}`, async () => {
    const target = new ShakyTarget(await pushContainerImage({ layers, labels: LABELS }));
    const release = await sourceOf(target).latest();
    assertEquals([release.version, release.channel, release.architecture], [
      "2.0.0",
      "stable",
      "x86_64",
    ]);
    assertEquals(release.artifacts.map(({ size }) => size), [KERNEL.length, INITRAMFS.length]);
    assertEquals(target.fetched, [], "layers wait for the gates");
    assertEquals(await fetchAll(target), [KERNEL, INITRAMFS]);
  });
}

Deno.test("annotations that say everything make the labels needless; others count for nothing", async () => {
  const labels = { ...LABELS, [`${PREFIX}version`]: "1.9.0" };
  const whole = await pushContainerImage({ layers: TWO, labels, annotations: LABELS });
  assertEquals((await sourceOf(whole).latest()).version, "2.0.0");
  const annotations = { [`${PREFIX}version`]: "2.0.0" };
  const partly = await pushContainerImage({ layers: TWO, labels, annotations });
  assertEquals((await sourceOf(partly).latest()).version, "1.9.0");
});

Deno.test("of two layers only that with the file is fetched, and what is known is not searched again", async () => {
  const target = new ShakyTarget(await pushContainerImage({ layers: TWO, labels: LABELS }));
  await fetchAll(target);
  assertEquals(target.fetched, ["tar@0", "tar@0"]);
});

Deno.test("a connection that breaks is taken up by Range", async () => {
  const packed = zstd(BOTH);
  const layers = [[`${OCI_LAYER}+zstd`, packed]] as const;
  const half = Math.floor(packed.length / 2);
  const target = new ShakyTarget(await pushContainerImage({ layers, labels: LABELS }), half, 5);
  const reporter = new RecordedReporter();
  assertEquals(await fetchAll(target, reporter), [KERNEL, INITRAMFS]);
  assertEquals(reporter.warnings.length, 2);
  const offsets = target.fetched.map((line) => Number(line.split("@")[1]));
  assertEquals(offsets, [0, half, half + 5, 0]);
});

for (const format of ["gnu", "pax"]) {
  Deno.test(`what tar(1) packs in the ${format} format is read, long names and all`, async () => {
    await using temporary = new TemporaryDirectory();
    const long = `boot/${"directory/".repeat(15)}`;
    await Deno.mkdir(`${temporary.path}/${long}`, { recursive: true });
    await Deno.writeFile(`${temporary.path}/${long}vmlinuz`, INITRAMFS);
    await Deno.writeFile(`${temporary.path}/boot/vmlinuz`, KERNEL);
    await Deno.writeFile(`${temporary.path}/boot/kubesolo-os.gz`, INITRAMFS);
    const tar = await run("tar", "-C", temporary.path, `--format=${format}`, "-cf", "-", "./boot");
    const layers = [[OCI_LAYER, tar]] as const;
    const target = await pushContainerImage({ layers, labels: LABELS });
    assertEquals(await fetchAll(target), [KERNEL, INITRAMFS]);
  });
}

for (const missing of Object.keys(LABELS).filter((key) => !key.endsWith("channel"))) {
  Deno.test(`an image without the label ${missing} is refused, and says what to do`, async () => {
    const { [missing]: _, ...labels } = LABELS;
    const target = new ShakyTarget(await pushContainerImage({ layers: TWO, labels }));
    await refusal(target, `no label ${missing}; publish it with \`deno task publish --as-image\``);
    assertEquals(target.fetched, []);
  });
}

Deno.test("configurations that are none, say nothing, or are too large are refused", async () => {
  const none = new TextEncoder().encode("[no json");
  await refusal(await pushContainerImage({ layers: TWO, labels: null, config: none }), "no JSON");
  for (const text of ["null", "[]", "7", '{"config":null}', '{"config":{"Labels":[1]}}']) {
    const config = new TextEncoder().encode(text);
    await refusal(await pushContainerImage({ layers: TWO, labels: null, config }), "no label");
  }
  await refusal(await pushContainerImage({ layers: TWO, labels: null }), "no label");
  const numbers = { ...LABELS, [`${PREFIX}version`]: 2 };
  await refusal(await pushContainerImage({ layers: TWO, labels: numbers }), "no label");
  const large = { ...LABELS, other: "x".repeat(MAX_CONFIG_BYTES) };
  await refusal(await pushContainerImage({ layers: TWO, labels: large }), "more than the");
});

Deno.test("an image without the file, or with one that is none, is refused", async () => {
  const only = await tarOf(["boot/kubesolo-os.gz", INITRAMFS], ["boot/vmlinuz.old", KERNEL]);
  const words = "boot/vmlinuz in the image: no such file in any of its layers";
  const target = await pushContainerImage({ layers: [[OCI_LAYER, only]], labels: LABELS });
  await refusal(target, words);
  await using temporary = new TemporaryDirectory();
  await Deno.mkdir(`${temporary.path}/boot`);
  await Deno.symlink("/etc/passwd", `${temporary.path}/boot/vmlinuz`);
  const tar = await run("tar", "-C", temporary.path, "-cf", "-", "boot");
  await refusal(await pushContainerImage({ layers: [[OCI_LAYER, tar]], labels: LABELS }), words);
});

Deno.test("two files of the name in one layer are refused", async () => {
  const two = await tarOf(["boot/vmlinuz", KERNEL], ["./boot/vmlinuz", KERNEL]);
  const target = await pushContainerImage({ layers: [[OCI_LAYER, two]], labels: LABELS });
  await refusal(target, "two of them in one layer");
});

Deno.test("layers that end too early, or are no tar, are refused", async () => {
  const cases: [string, Bytes, string][] = [
    [OCI_LAYER, BOTH.slice(0, 200_000), "ends too early"],
    [OCI_LAYER, BOTH.slice(0, 700), "ends too early"],
    [`${OCI_LAYER}+gzip`, gzip(BOTH).slice(0, -100_000), "unpacking gzip"],
    [`${OCI_LAYER}+gzip`, BOTH, "unpacking gzip"],
    [`${OCI_LAYER}+zstd`, zstd(BOTH).slice(0, -9), "ends too early"],
    [OCI_LAYER, gzip(BOTH), "reading a tar header"],
  ];
  for (const [type, bytes, words] of cases) {
    await refusal(await pushContainerImage({ layers: [[type, bytes]], labels: LABELS }), words);
  }
});

Deno.test("layers that are not those of their digests are refused, also behind the files", async () => {
  const inner = await pushContainerImage({ layers: [[OCI_LAYER, BOTH]], labels: LABELS });
  const other = BOTH.slice();
  other[other.length - 1] = 1;
  const target: ReadOnlyTarget = {
    resolve: (reference) => inner.resolve(reference),
    referrers: (subject) => inner.referrers(subject),
    fetch: (wanted, options) =>
      wanted.mediaType === OCI_LAYER
        ? Promise.resolve(ReadableStream.from([other.slice()]))
        : inner.fetch(wanted, options),
  };
  await refusal(target, "verifying sha256:");
});

/** The release in one layer, kernel first, over a line that `slow` makes slow. */
async function overSlowLine(
  name: "vmlinuz" | "kubesolo-os.gz",
  slow: typeof slowBehind,
): Promise<{ bytes: Bytes; connections: number[]; warnings: string[] }> {
  const inner = await pushContainerImage({ layers: [[OCI_LAYER, BOTH]], labels: LABELS });
  const connections: number[] = [];
  const source = sourceOf({
    resolve: (reference) => inner.resolve(reference),
    referrers: (subject) => inner.referrers(subject),
    fetch: async (wanted, { offset = 0, signal } = {}) => {
      const stream = await inner.fetch(wanted, { offset, signal });
      if (wanted.mediaType !== OCI_LAYER) return stream;
      connections.push(offset);
      return ReadableStream.from(slow(stream, KERNEL.length + 512 - offset, signal));
    },
  });
  const reporter = new RecordedReporter();
  const sink = new RecordedSink();
  const artifact = (await source.latest()).artifacts.find((artifact) => artifact.name === name);
  if (!artifact) throw new Error(`no ${name}`);
  await transfer(source, artifact, sink, { reporter, stallSeconds: 1, sleep: async () => {} });
  return { bytes: sink.bytes, connections, warnings: reporter.warnings };
}

Deno.test("a layer that takes long behind the file costs one wait", async () => {
  const { bytes, connections, warnings } = await overSlowLine("vmlinuz", slowBehind);
  assertEquals(bytes, KERNEL);
  assertEquals([connections, warnings.length], [[0], 1]);
});

Deno.test("a layer that takes long before the file is no stall", async () => {
  const { bytes, warnings } = await overSlowLine("kubesolo-os.gz", async function* (stream) {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    yield* stream;
  });
  assertEquals(bytes, INITRAMFS);
  assertEquals(warnings, []);
});

/** The first bytes; then nothing until the signal. */
async function* slowBehind(
  stream: ReadableStream<Bytes>,
  count: number,
  signal?: AbortSignal,
): AsyncGenerator<Bytes> {
  let left = count;
  for await (const bytes of stream) {
    if (left === 0) await new Promise((_, reject) => signal?.addEventListener("abort", reject));
    const some = bytes.slice(0, left);
    left -= some.length;
    yield some;
  }
}

Deno.test("files of another size than the label says are refused", async () => {
  for (const size of [KERNEL.length - 1, KERNEL.length + 1]) {
    const labels = { ...LABELS, [`${PREFIX}vmlinuz.size`]: `${size}` };
    await refusal(await pushContainerImage({ layers: TWO, labels }), `${size} bytes announced`);
  }
});

Deno.test("an image of endless layers is not searched", async () => {
  const layers = Array.from({ length: 128 }, () => TWO[0]);
  await refusal(await pushContainerImage({ layers, labels: LABELS }), "an image of 128 layers");
});
