import { assertEquals } from "@std/assert";
import { ImageLayout, parseManifest, successors } from "@kubesolo/update/oras";
import { contentOf, pushImage, run, TemporaryDirectory } from "./_image.ts";

/** Whether Debian's skopeo is not here. */
const absent = await Deno.stat("/usr/bin/skopeo").then(() => false, () => true);

function skopeo(...args: readonly string[]): Promise<Uint8Array> {
  return run("skopeo", "--insecure-policy", ...args);
}

Deno.test({
  name: "skopeo reads the layout that we wrote",
  ignore: absent, // where skopeo is not installed
  fn: async () => {
    await using temporary = new TemporaryDirectory();
    const ours = await ImageLayout.create(`${temporary.path}/ours`);
    const first = await pushImage(ours, "one");
    const second = await pushImage(ours, "two");
    await ours.tag(first.descriptor, "v1");
    await ours.tag(second.descriptor, "v2");

    await skopeo("copy", `oci:${ours.name}:v2`, `dir:${temporary.path}/theirs`);
    assertEquals(await Deno.readFile(`${temporary.path}/theirs/manifest.json`), second.bytes);
    for (const { digest } of successors(second.descriptor, second.bytes)) {
      const hex = digest.slice("sha256:".length);
      assertEquals((await Deno.stat(`${temporary.path}/theirs/${hex}`)).isFile, true);
    }
  },
});

Deno.test({
  name: "we read the layout that skopeo wrote",
  ignore: absent, // where skopeo is not installed
  fn: async () => {
    await using temporary = new TemporaryDirectory();
    const ours = await ImageLayout.create(`${temporary.path}/ours`);
    await ours.tag((await pushImage(ours, "one")).descriptor, "v1");
    await ours.tag((await pushImage(ours, "two")).descriptor, "v2");
    const path = `${temporary.path}/theirs`;
    for (const tag of ["v1", "v2"]) {
      await skopeo("copy", `oci:${ours.name}:${tag}`, `oci:${path}:${tag}`);
    }

    const theirs = await ImageLayout.open(path);
    assertEquals(await theirs.tags(), ["v1", "v2"]);
    const target = await theirs.resolve("v2");
    const raw = await skopeo("inspect", "--raw", `oci:${path}:v2`);
    assertEquals(await contentOf(theirs, target), raw);
    assertEquals(parseManifest(target, raw).kind, "image");
    for (const next of successors(target, raw)) await contentOf(theirs, next);
  },
});

Deno.test({
  name: "we write into the layout that skopeo wrote, and skopeo reads it again",
  ignore: absent, // where skopeo is not installed
  fn: async () => {
    await using temporary = new TemporaryDirectory();
    const ours = await ImageLayout.create(`${temporary.path}/ours`);
    await ours.tag((await pushImage(ours, "one")).descriptor, "v1");
    const path = `${temporary.path}/theirs`;
    await skopeo("copy", `oci:${ours.name}:v1`, `oci:${path}:v1`);

    const theirs = await ImageLayout.open(path);
    const added = await pushImage(theirs, "two");
    await theirs.tag(added.descriptor, "v2");
    assertEquals(await skopeo("inspect", "--raw", `oci:${path}:v2`), added.bytes);
    assertEquals((await skopeo("inspect", "--raw", `oci:${path}:v1`)).length > 0, true);
  },
});
