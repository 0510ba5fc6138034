import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  copy,
  ImageLayout,
  MemoryTarget,
  OrasError,
  type PackedManifest,
  packManifest,
  pushManifest,
  successors,
  TarLayout,
  writeTarLayout,
} from "@kubesolo/update/oras";
import { contentOf, pushImage, run, TemporaryDirectory, textBlob } from "./_image.ts";

const absent = await Deno.stat("/usr/bin/skopeo").then(() => false, () => true);

async function code(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, OrasError)).code;
}

/** A layout with a tagged image and its signature, in a directory of its own. */
async function makeLayout(path: string) {
  const layout = await ImageLayout.create(path);
  const image = await pushImage(layout, "hello");
  const { descriptor: subject } = image;
  const signature = packManifest({ artifactType: "x/signature", subject });
  await pushManifest(layout, signature);
  await layout.tag(subject, "v1");
  return { layout, image, signature };
}

async function assertHolds(tar: TarLayout, image: PackedManifest): Promise<void> {
  assertEquals(await tar.tags(), ["v1"]);
  assertEquals(await tar.resolve("v1"), image.descriptor);
  assertEquals(await contentOf(tar, image.descriptor), image.bytes);
  for (const next of successors(image.descriptor, image.bytes)) await contentOf(tar, next);
}

Deno.test("a layout is read out of the tar that was written of it", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout, image, signature } = await makeLayout(`${temporary.path}/layout`);
  await writeTarLayout(layout, `${temporary.path}/layout.tar`);
  const tar = await TarLayout.open(`${temporary.path}/layout.tar`);
  await assertHolds(tar, image);
  assertEquals(await tar.referrers(image.descriptor), [signature.descriptor]);
  const rest = await tar.fetch(image.descriptor, { offset: 10 });
  assertEquals(await new Response(rest).bytes(), image.bytes.slice(10));
  assertEquals(await code(tar.fetch(textBlob("other").target)), "missing");
  assertEquals(await code(tar.resolve("v2")), "missing");
});

Deno.test("one layout makes one tar, whenever and wherever it is written", async () => {
  await using temporary = new TemporaryDirectory();
  const tars: Uint8Array[] = [];
  for (const name of ["a", "b"]) {
    const { layout } = await makeLayout(`${temporary.path}/${name}`);
    await Deno.writeTextFile(`${layout.name}/blobs/sha256/.hidden`, name);
    await writeTarLayout(layout, `${temporary.path}/${name}.tar`);
    tars.push(await Deno.readFile(`${temporary.path}/${name}.tar`));
  }
  assertEquals(tars[0], tars[1]);
  const listed = await run("tar", "-tf", `${temporary.path}/a.tar`);
  const names = new TextDecoder().decode(listed).trim().split("\n");
  assertEquals(names.slice(0, 4), ["oci-layout", "index.json", "blobs/", "blobs/sha256/"]);
  assertEquals(names.length, 9);
  assertEquals(names.slice(4), names.slice(4).sort());
});

Deno.test("a layout that is gone ends in no tar", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout } = await makeLayout(`${temporary.path}/layout`);
  const path = `${temporary.path}/layout.tar`;
  await Deno.rename(`${layout.name}/blobs`, `${temporary.path}/elsewhere`);
  assertEquals(await code(writeTarLayout(layout, path)), "io");
  await Deno.remove(`${layout.name}/index.json`);
  assertEquals(await code(writeTarLayout(layout, path)), "missing");
});

Deno.test("a tar that ends in the middle of content is refused at once", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout } = await makeLayout(`${temporary.path}/layout`);
  const path = `${temporary.path}/layout.tar`;
  await writeTarLayout(layout, path);
  // Two blocks of end, and content in the last block before them.
  await Deno.truncate(path, (await Deno.stat(path)).size - 3 * 512 + 1);
  assertEquals(await code(TarLayout.open(path)), "content");
});

Deno.test("tar(1) unpacks the tar that was written", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout, image } = await makeLayout(`${temporary.path}/layout`);
  await writeTarLayout(layout, `${temporary.path}/layout.tar`);
  await Deno.mkdir(`${temporary.path}/back`);
  await run("tar", "-C", `${temporary.path}/back`, "-xf", `${temporary.path}/layout.tar`);
  await run("diff", "-r", layout.name, `${temporary.path}/back`);
  const back = await ImageLayout.open(`${temporary.path}/back`);
  assertEquals(await back.resolve("v1"), image.descriptor);
});

Deno.test("content that is not what it is called ends in no tar", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout, image } = await makeLayout(`${temporary.path}/layout`);
  const hex = image.descriptor.digest.slice("sha256:".length);
  await Deno.writeTextFile(`${layout.name}/blobs/sha256/${hex}`, "other");
  assertEquals(await code(writeTarLayout(layout, `${temporary.path}/layout.tar`)), "content");
  assertEquals([...Deno.readDirSync(temporary.path)].map(({ name }) => name), ["layout"]);
});

Deno.test("a layout is read out of what tar(1) writes, in each of its formats", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout, image } = await makeLayout(`${temporary.path}/layout`);
  for (const format of ["v7", "ustar", "gnu", "posix"]) {
    const path = `${temporary.path}/${format}.tar`;
    await run("tar", "-C", layout.name, `--format=${format}`, "-cf", path, ".");
    await assertHolds(await TarLayout.open(path), image);
  }
});

Deno.test("names that are long are read, by GNU and by pax", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout, image } = await makeLayout(`${temporary.path}/layout`);
  for (const format of ["gnu", "posix"]) {
    const path = `${temporary.path}/${format}.tar`;
    // Every name becomes longer than a header has room for, and is the same name.
    const longer = `--transform=s,^\\./,${"./".repeat(120)},`;
    await run("tar", "-C", layout.name, `--format=${format}`, longer, "-cf", path, ".");
    await assertHolds(await TarLayout.open(path), image);
  }
});

Deno.test({
  name: "skopeo reads the tar that was written, and we read skopeo's",
  ignore: absent, // where the tool is not installed
  fn: async () => {
    await using temporary = new TemporaryDirectory();
    const layout = await ImageLayout.create(`${temporary.path}/layout`);
    const image = await pushImage(layout, "hello");
    await layout.tag(image.descriptor, "v1");
    const [ours, theirs] = [`${temporary.path}/ours.tar`, `${temporary.path}/theirs.tar`];
    await writeTarLayout(layout, ours);
    assertEquals(await run("skopeo", "inspect", "--raw", `oci-archive:${ours}:v1`), image.bytes);

    const [from, to] = [`oci-archive:${ours}:v1`, `oci-archive:${theirs}:v1`];
    await run("skopeo", "--insecure-policy", "copy", from, to);
    const tar = await TarLayout.open(theirs);
    const target = await tar.resolve("v1");
    const raw = await run("skopeo", "inspect", "--raw", to);
    assertEquals(await contentOf(tar, target), raw);
    for (const next of successors(target, raw)) await contentOf(tar, next);
  },
});

Deno.test("copy() goes from a tar to memory and to a directory", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout, image, signature } = await makeLayout(`${temporary.path}/layout`);
  await writeTarLayout(layout, `${temporary.path}/layout.tar`);
  const tar = await TarLayout.open(`${temporary.path}/layout.tar`);
  for (const to of [new MemoryTarget(), await ImageLayout.create(`${temporary.path}/to`)]) {
    await copy(tar, "v1", to, { referrers: true });
    assertEquals((await to.resolve("v1")).digest, image.descriptor.digest);
    assertEquals(await to.exists(signature.descriptor), true);
  }
});

Deno.test("a file that is no tar, a compressed one, or none at all is refused", async () => {
  await using temporary = new TemporaryDirectory();
  const path = `${temporary.path}/layout.tar`;
  assertEquals(await code(TarLayout.open(path)), "missing");
  assertEquals(await code(TarLayout.open(temporary.path)), "io");
  for (const text of ["", "hello", "hello".repeat(1000)]) {
    await Deno.writeTextFile(path, text);
    assertEquals(await code(TarLayout.open(path)), "content");
  }
  // A tar without a layout.
  await Deno.writeFile(path, new Uint8Array(1024));
  assertEquals(await code(TarLayout.open(path)), "missing");
});

Deno.test("wherever a tar is cut or damaged, it is refused or what it gives is true", async () => {
  await using temporary = new TemporaryDirectory();
  const { layout, image } = await makeLayout(`${temporary.path}/layout`);
  const path = `${temporary.path}/layout.tar`;
  await run("tar", "-C", layout.name, "--format=posix", "-cf", path, ".");
  const whole = await Deno.readFile(path);
  let refused = 0;
  const damage = fc.record({
    length: fc.oneof(fc.constant(whole.length), fc.nat(whole.length)),
    at: fc.nat(whole.length - 1),
    byte: fc.nat(255),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ length, at, byte }) => {
      const bytes = whole.slice(0, length);
      if (at < length) bytes[at] = byte;
      await Deno.writeFile(path, bytes);
      try {
        const tar = await TarLayout.open(path);
        const target = await tar.resolve(image.descriptor.digest);
        assertEquals(await contentOf(tar, target), image.bytes);
      } catch (error) {
        if (!(error instanceof OrasError)) throw error;
        refused++;
      }
    }),
    { numRuns: 300 },
  );
  assert(refused > 20);
});
