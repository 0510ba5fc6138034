import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { releaseDigest, UpdateError } from "../../mod/core/mod.ts";
import { OciSource } from "../../mod/oci/mod.ts";
import {
  describe,
  type Descriptor,
  MemoryTarget,
  packIndex,
  packManifest,
  type ReadOnlyTarget,
} from "../../mod/oras/mod.ts";

const KERNEL = "application/vnd.kubesolo.os.kernel.v1+octet-stream";
const INITRAMFS = "application/vnd.kubesolo.os.initramfs.v1+gzip";
const SLOT = "application/vnd.kubesolo.os.slot.v1+octet-stream";
const TYPE = "application/vnd.kubesolo.os.release.v1";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Layers by media type; the bytes are pushed, and named after it. */
async function push(target: MemoryTarget, mediaType: string, text: string): Promise<Descriptor> {
  const descriptor = describe(mediaType, bytes(text));
  await target.push(descriptor, bytes(text));
  return descriptor;
}

async function release(
  target: MemoryTarget,
  version: string,
  types: readonly string[] = [KERNEL, INITRAMFS],
  annotations: Record<string, string> = {},
): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const [at, type] of types.entries()) {
    layers.push(await push(target, type, `${version} ${type} ${at}`));
  }
  const { descriptor, bytes: manifest } = packManifest({
    artifactType: TYPE,
    layers,
    annotations: { "io.kubesolo.os.version": version, ...annotations },
  });
  await target.push(descriptor, manifest);
  return descriptor;
}

function sourceOf(target: ReadOnlyTarget, architecture = "x86_64"): OciSource {
  return new OciSource({ name: "memory/os:stable", target, reference: "stable", architecture });
}

async function refusal(target: ReadOnlyTarget, code: string, words: string): Promise<void> {
  const error = await assertRejects(() => sourceOf(target).latest(), UpdateError);
  assertEquals(error.code, code, error.message);
  assertStringIncludes(error.message, words);
}

Deno.test("a release is read from its annotations, and no blob is fetched for it", async () => {
  const target = new MemoryTarget();
  const manifest = await release(target, "2.0.0", [KERNEL, INITRAMFS], {
    "io.kubesolo.os.channel": "stable",
    "io.kubesolo.os.architecture": "amd64",
    "io.kubesolo.os.min_compatible_version": "1.0.0",
    "io.kubesolo.os.expires": "2099-01-31T00:00:00Z",
    "io.kubesolo.os.min_allowed_version": "1.5.0",
    "io.kubesolo.os.metadata_version": "7",
    "io.kubesolo.os.release_notes": "quieter\u001b[31m fans",
  });
  await target.tag(manifest, "stable");
  const fetched: string[] = [];
  const watched: ReadOnlyTarget = {
    resolve: (reference) => target.resolve(reference),
    referrers: (subject) => target.referrers(subject),
    fetch: (wanted, options) => {
      fetched.push(wanted.mediaType);
      return target.fetch(wanted, options);
    },
  };
  const source = sourceOf(watched);
  const found = await source.latest();
  assertEquals(fetched, [manifest.mediaType]);
  assertEquals(
    [found.version, found.channel, found.architecture, found.minCompatibleVersion],
    ["2.0.0", "stable", "x86_64", "1.0.0"],
  );
  assertEquals(found.expires, "2099-01-31T00:00:00Z");
  assertEquals([found.minAllowedVersion, found.metadataVersion], ["1.5.0", 7]);
  assertEquals(found.notes?.includes("\u001b"), false);
  assertEquals(found.artifacts.map(({ name }) => name), ["vmlinuz", "kubesolo-os.gz"]);
  assertEquals(releaseDigest(found).length, 71);
});

Deno.test("an artifact comes from its layer, from the offset on", async () => {
  const target = new MemoryTarget();
  await target.tag(await release(target, "2.0.0"), "stable");
  const source = sourceOf(target);
  const { artifacts: [kernel] } = await source.latest();
  const { offset, size, stream } = await source.open(kernel, 4);
  const text = `2.0.0 ${KERNEL} 0`;
  assertEquals([offset, size], [4, text.length]);
  assertEquals(await new Response(stream).text(), text.slice(4));
});

Deno.test("an index is resolved for the node's architecture", async () => {
  const target = new MemoryTarget();
  const platform = (architecture: string) => ({ os: "linux", architecture });
  const { descriptor, bytes: index } = packIndex({
    manifests: [
      { ...await release(target, "2.0.0"), platform: platform("amd64") },
      { ...await release(target, "2.0.1"), platform: platform("arm64") },
    ],
  });
  await target.push(descriptor, index);
  await target.tag(descriptor, "stable");
  assertEquals((await sourceOf(target).latest()).version, "2.0.0");
  const arm = await sourceOf(target, "aarch64").latest();
  assertEquals([arm.version, arm.architecture], ["2.0.1", "aarch64"]);
});

Deno.test("an index without the architecture is refused, and says what it has", async () => {
  const target = new MemoryTarget();
  const manifests = [{
    ...await release(target, "2.0.0"),
    platform: { os: "linux", architecture: "arm64" },
  }, {
    ...await release(target, "2.0.0"),
    platform: { os: "linux", architecture: "constructor" },
  }];
  const { descriptor, bytes: index } = packIndex({ manifests });
  await target.push(descriptor, index);
  await target.tag(descriptor, "stable");
  await refusal(
    target,
    "verification",
    "an index for aarch64, constructor, and nothing for x86_64",
  );
});

Deno.test("an index inside an index is not followed", async () => {
  const target = new MemoryTarget();
  const inner = packIndex({ manifests: [] });
  await target.push(inner.descriptor, inner.bytes);
  const platform = { os: "linux", architecture: "amd64" };
  const outer = packIndex({ manifests: [{ ...inner.descriptor, platform }] });
  await target.push(outer.descriptor, outer.bytes);
  await target.tag(outer.descriptor, "stable");
  await refusal(target, "verification", "an index inside the index");
});

Deno.test("a single manifest says its own architecture, and the gate will see it", async () => {
  const target = new MemoryTarget();
  const annotations = { "io.kubesolo.os.architecture": "arm64" };
  await target.tag(await release(target, "2.0.0", [KERNEL, INITRAMFS], annotations), "stable");
  assertEquals((await sourceOf(target).latest()).architecture, "aarch64");
  const strange = { "io.kubesolo.os.architecture": "constructor" };
  await target.tag(await release(target, "2.0.0", [KERNEL, INITRAMFS], strange), "stable");
  assertEquals((await sourceOf(target).latest()).architecture, "constructor");
});

Deno.test("a whole partition image is a release too", async () => {
  const target = new MemoryTarget();
  await target.tag(await release(target, "2.0.0", [SLOT]), "stable");
  const { artifacts } = await sourceOf(target).latest();
  assertEquals(artifacts.map(({ name }) => name), ["image"]);
});

for (
  const [what, types, words] of [
    ["no layer of a release", ["text/plain"], "no layer of a release"],
    ["a kernel alone", [KERNEL], "layers for vmlinuz alone"],
    ["two kernels", [KERNEL, KERNEL, INITRAMFS], `two layers of type ${KERNEL}`],
    ["a kernel beside an image", [KERNEL, SLOT], "layers for image and vmlinuz alone"],
  ] as const
) {
  Deno.test(`a manifest with ${what} is refused`, async () => {
    const target = new MemoryTarget();
    await target.tag(await release(target, "2.0.0", types), "stable");
    await refusal(target, "verification", words);
  });
}

Deno.test("a manifest without a version, or with one that is none, is refused", async () => {
  const target = new MemoryTarget();
  await target.tag(await release(target, ""), "stable");
  await refusal(target, "verification", "no annotation io.kubesolo.os.version");
  await target.tag(await release(target, "newest"), "stable");
  await refusal(target, "verification", "io.kubesolo.os.version is no version");
  const annotations = { "io.kubesolo.os.expires": "never" };
  await target.tag(await release(target, "2.0.0", [KERNEL, INITRAMFS], annotations), "stable");
  await refusal(target, "verification", "io.kubesolo.os.expires is no moment");
  for (const version of ["0", "7.0", "+7", "1e3", "9007199254740993"]) {
    const annotations = { "io.kubesolo.os.metadata_version": version };
    await target.tag(await release(target, "2.0.0", [KERNEL, INITRAMFS], annotations), "stable");
    await refusal(target, "verification", "metadata_version is no positive whole number");
  }
});

Deno.test("a tag that is not there is the source's failure", async () => {
  await refusal(new MemoryTarget(), "source", "stable");
});
