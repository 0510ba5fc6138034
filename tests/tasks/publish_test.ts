import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { OciSource } from "../../mod/oci/mod.ts";
import { ImageLayout } from "../../mod/oras/mod.ts";
import { publishRelease } from "../../tasks/publish/artifact.ts";
import { publishImage } from "../../tasks/publish/image.ts";
import { publishIndex } from "../../tasks/publish/release_index.ts";
import { contentOf, run, TemporaryDirectory } from "../oras/_image.ts";
import { bytesOf, sha256 } from "../cli/_test_node.ts";

const KERNEL = bytesOf("kernel", 3000);
const INITRAMFS = bytesOf("initramfs", 9000);
const IMAGE = new Uint8Array(3_000_000);
IMAGE.set(bytesOf("image", 1_000_000));

const LATEST = {
  version: "2.0.0",
  channel: "stable",
  architecture: "x86_64",
  release_notes: "quieter fans",
  release_date: "2026-01-01T00:00:00Z",
  expires: "2099-01-01T00:00:00Z",
  vmlinuz_sha256: sha256(KERNEL),
  vmlinuz_size: KERNEL.length,
  initramfs_sha256: sha256(INITRAMFS),
  initramfs_size: INITRAMFS.length,
};

/** Directories of releases, and a layout to publish them into. */
class Site implements AsyncDisposable {
  readonly #temporary = new TemporaryDirectory();
  #count = 0;

  layout(): Promise<ImageLayout> {
    return ImageLayout.create(`${this.#temporary.path}/layout-${this.#count++}`);
  }

  async release(changes: Record<string, unknown> = {}): Promise<string> {
    const directory = `${this.#temporary.path}/release-${this.#count++}`;
    await Deno.mkdir(directory);
    await Deno.writeFile(`${directory}/vmlinuz`, KERNEL);
    await Deno.writeFile(`${directory}/kubesolo-os.gz`, INITRAMFS);
    await Deno.writeFile(`${directory}/slot.img`, IMAGE);
    const latest = JSON.stringify({ ...LATEST, ...changes });
    await Deno.writeTextFile(`${directory}/latest.json`, latest);
    return directory;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#temporary[Symbol.asyncDispose]();
  }
}

const IMAGE_RELEASE = {
  image_url: "slot.img",
  image_sha256: sha256(IMAGE),
  image_size: IMAGE.length,
};

function sourceOf(target: ImageLayout, reference: string): OciSource {
  return new OciSource({ name: "layout", target, reference, architecture: "x86_64" });
}

Deno.test("the same release is the same artifact and the same image, wherever it lies", async () => {
  await using site = new Site();
  for (const publish of [publishRelease, publishImage]) {
    const [first, second] = [await site.layout(), await site.layout()];
    const { manifest } = await publish(await site.release(), first, "a");
    assertEquals((await publish(await site.release(), second, "a")).manifest, manifest);
    const again = await publish(await site.release(), first);
    assertEquals(again.layers.map(({ wasThere }) => wasThere), [true, true]);
  }
});

Deno.test("stepping stones are published, with an artifact and with an image", async () => {
  await using site = new Site();
  for (const publish of [publishRelease, publishImage]) {
    const layout = await site.layout();
    await publish(await site.release({ version: "1.5.0" }), layout, "1.5.0");
    const steppingStones = ["1.5.0"];
    await publish(await site.release(), layout, "stable", { steppingStones });
    const source = sourceOf(layout, "stable");
    await source.latest();
    assertEquals((await source.steppingStones()).map(({ version }) => version), ["1.5.0"]);
  }
});

Deno.test("a partition image is published as it is, or in zstd, and zstd(1) unpacks it", async () => {
  await using site = new Site();
  const layout = await site.layout();
  const release = await site.release(IMAGE_RELEASE);
  const plain = await publishRelease(release, layout, "plain");
  assertEquals(plain.layers[0].layer.size, IMAGE.length);
  const { layers: [{ layer }] } = await publishRelease(release, layout, "packed", { zstd: true });
  assertEquals(layer.size < IMAGE.length / 2, true, `${layer.size}`);
  const path = `${layout.name}/blobs/sha256/${layer.digest.slice("sha256:".length)}`;
  assertEquals(await run("zstd", "-q", "-d", "-c", path), IMAGE);
  for (const tag of ["plain", "packed"]) {
    const { artifacts } = await sourceOf(layout, tag).latest();
    assertEquals(artifacts, [{ name: "image", sha256: sha256(IMAGE), size: IMAGE.length }]);
  }
});

Deno.test("a container image is what skopeo takes for one, and tar(1) unpacks its layers", async () => {
  await using site = new Site();
  const layout = await site.layout();
  const { manifest, layers } = await publishImage(await site.release(), layout, "stable");
  const inspected = await run("skopeo", "inspect", `oci:${layout.name}:stable`);
  const { Labels, Architecture, Os, Layers } = JSON.parse(new TextDecoder().decode(inspected));
  assertEquals([Architecture, Os, Layers.length], ["amd64", "linux", 2]);
  assertEquals(Labels["io.kubesolo.os.vmlinuz.sha256"], sha256(KERNEL));
  assertEquals(Labels["io.kubesolo.os.initramfs.size"], `${INITRAMFS.length}`);
  const document = JSON.parse(new TextDecoder().decode(await contentOf(layout, manifest)));
  assertEquals(document.annotations, Labels);
  const files = [["boot/kubesolo-os.gz", INITRAMFS], ["boot/vmlinuz", KERNEL]] as const;
  for (const [at, [name, bytes]] of files.entries()) {
    const path = `${layout.name}/blobs/sha256/${layers[at].layer.digest.slice("sha256:".length)}`;
    assertEquals(await run("tar", "-xOf", path, name), bytes);
  }
});

Deno.test("an index knows artifacts by annotations and images by labels", async () => {
  await using site = new Site();
  const layout = await site.layout();
  await publishRelease(await site.release({ version: "2.0.1" }), layout, "artifact");
  await publishImage(await site.release({ architecture: "aarch64" }), layout, "image");
  await publishIndex(layout, ["artifact", "image"], "stable");
  const { version, architecture, expires } = await sourceOf(layout, "stable").latest();
  assertEquals([version, architecture, expires], ["2.0.1", "x86_64", LATEST.expires]);
  await publishImage(await site.release(), layout, "another");
  const twice = await assertRejects(() => publishIndex(layout, ["artifact", "another"], "no"));
  assertStringIncludes(`${twice}`, "found two for amd64");
  await publishRelease(await site.release({ architecture: undefined }), layout, "none");
  const none = await assertRejects(() => publishIndex(layout, ["none"], "no"));
  assertStringIncludes(`${none}`, "io.kubesolo.os.architecture, found none");
  assertEquals(await layout.tags(), ["another", "artifact", "image", "none", "stable"]);
});

for (
  const [what, changes, words] of [
    ["no version", { version: undefined }, "wanted a version"],
    [
      "another digest",
      { vmlinuz_sha256: "0".repeat(64) },
      /vmlinuz: latest.json says sha256 0{64}/,
    ],
    ["another size", { initramfs_size: 5 }, "latest.json says size 5, the file has 9000"],
    ["a path", { ...IMAGE_RELEASE, image_url: "../slot.img" }, "wanted the name of a file"],
    ["an address", { ...IMAGE_RELEASE, image_url: "http://a/b" }, "wanted the name of a file"],
    ["a file that is not there", { ...IMAGE_RELEASE, image_url: "other.img" }, "No such file"],
  ] as const
) {
  Deno.test(`a release directory with ${what} is not published`, async () => {
    await using site = new Site();
    const layout = await site.layout();
    const release = await site.release(changes);
    const error = await assertRejects(() => publishRelease(release, layout, "stable"));
    assertMatch(`${error}`, words instanceof RegExp ? words : new RegExp(RegExp.escape(words)));
    assertEquals(await layout.tags(), []);
  });
}

Deno.test("what cannot be compressed, or be a container image, is said to be so", async () => {
  await using site = new Site();
  const layout = await site.layout();
  const files = await site.release();
  const zstd = await assertRejects(() => publishRelease(files, layout, "no", { zstd: true }));
  assertStringIncludes(`${zstd}`, "compressed already");
  const image = await site.release(IMAGE_RELEASE);
  const asImage = await assertRejects(() => publishImage(image, layout, "no"));
  assertStringIncludes(`${asImage}`, "found a partition image");
  const nameless = await site.release({ architecture: undefined });
  const anywhere = await assertRejects(() => publishImage(nameless, layout, "no"));
  assertStringIncludes(`${anywhere}`, "wanted an architecture");
});
