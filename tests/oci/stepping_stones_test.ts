import { assertEquals, assertRejects } from "@std/assert";
import { MAX_STEPPING_STONES, UpdateError } from "../../mod/core/mod.ts";
import { OciSource } from "../../mod/oci/mod.ts";
import {
  describe,
  type Descriptor,
  MemoryTarget,
  packIndex,
  packManifest,
  type ReadOnlyTarget,
} from "../../mod/oras/mod.ts";

const TYPES = [
  "application/vnd.kubesolo.os.kernel.v1+octet-stream",
  "application/vnd.kubesolo.os.initramfs.v1+gzip",
];

async function release(
  target: MemoryTarget,
  version: string,
  steppingStones?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const type of TYPES) {
    const bytes = new TextEncoder().encode(`${version} ${type}`);
    layers.push(describe(type, bytes));
    await target.push(layers.at(-1) as Descriptor, bytes);
  }
  const { descriptor, bytes } = packManifest({
    artifactType: "application/vnd.kubesolo.os.release.v1",
    layers,
    annotations: {
      "io.kubesolo.os.version": version,
      ...(steppingStones === undefined ? {} : { "io.kubesolo.os.stepping_stones": steppingStones }),
      ...more,
    },
  });
  await target.push(descriptor, bytes);
  await target.tag(descriptor, version);
  return descriptor;
}

function sourceOf(target: ReadOnlyTarget, reference = "3.0.0"): OciSource {
  return new OciSource({ name: "memory/os", target, reference, architecture: "x86_64" });
}

/** The error that asking for such stepping stones ends with. */
async function refusal(steppingStones: string): Promise<UpdateError> {
  const target = new MemoryTarget();
  await release(target, "3.0.0", steppingStones);
  const source = sourceOf(target);
  assertEquals((await source.latest()).version, "3.0.0", "they hold nothing up");
  return await assertRejects(() => source.steppingStones(), UpdateError);
}

Deno.test("stepping stones are tags and digests of the same repository", async () => {
  const target = new MemoryTarget();
  const first = await release(target, "1.0.0");
  const second = await release(target, "2.0.0");
  const platform = { architecture: "amd64", os: "linux" };
  const index = packIndex({ manifests: [{ ...second, platform }] });
  await target.push(index.descriptor, index.bytes);
  await target.tag(index.descriptor, "two");
  await release(target, "3.0.0", ` two , ${first.digest}`);
  const asked: string[] = [];
  const watched: ReadOnlyTarget = {
    resolve: (reference) => (asked.push(reference), target.resolve(reference)),
    referrers: (subject) => target.referrers(subject),
    fetch: (wanted, options) => target.fetch(wanted, options),
  };
  const source = sourceOf(watched);
  const newest = await source.latest();
  assertEquals(asked, ["3.0.0"], "they are not looked at before they are needed");
  const stones = await source.steppingStones();
  assertEquals(stones.map(({ version }) => version), ["2.0.0", "1.0.0"]);
  assertEquals(asked, ["3.0.0", "two", first.digest]);

  for (const { version, artifacts } of [newest, ...stones]) {
    const { stream } = await source.open(artifacts[1], 0);
    assertEquals(await new Response(stream).text(), `${version} ${TYPES[1]}`);
  }
});

Deno.test("stepping stones expire with the newest; one named by digest is as new as its metadata", async () => {
  const target = new MemoryTarget();
  const metadata = (version: string, expires: string) => ({
    "io.kubesolo.os.metadata_version": version,
    "io.kubesolo.os.expires": expires,
  });
  const first = await release(target, "1.0.0", undefined, metadata("1", "2027-01-01T00:00:00Z"));
  await release(target, "2.0.0", undefined, metadata("2", "2099-01-01T00:00:00Z"));
  const newest = metadata("3", "2028-01-01T00:00:00Z");
  await release(target, "3.0.0", `${first.digest},2.0.0`, newest);
  const source = sourceOf(target);
  await source.latest();
  const stones = await source.steppingStones();
  assertEquals(stones.map(({ metadataVersion, expires }) => [metadataVersion, expires]), [
    [3, "2027-01-01T00:00:00Z"],
    [2, "2028-01-01T00:00:00Z"],
  ]);
});

Deno.test("a release without stepping stones has none", async () => {
  const target = new MemoryTarget();
  await release(target, "3.0.0");
  const source = sourceOf(target);
  assertEquals(await source.steppingStones(), [], "nobody has asked what is new");
  await source.latest();
  assertEquals(await source.steppingStones(), []);
});

Deno.test("stepping stones that are none are refused, when they are asked for", async () => {
  const many = Array(MAX_STEPPING_STONES + 1).fill("x").join(",");
  for (const wrong of [many, "../x", "a,,b", "http://evil/x", "sha256:ab", "a b"]) {
    const { code, operation } = await refusal(wrong);
    assertEquals([code, operation], [
      "verification",
      "reading the stepping stones of memory/os",
    ], wrong);
  }
});

Deno.test("a stepping stone that is not there is named", async () => {
  const { code, operation } = await refusal("2.0.0");
  assertEquals([code, operation], ["source", "reading memory/os, stepping stone 2.0.0"]);
});
