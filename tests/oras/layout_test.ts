import { assertEquals, assertRejects } from "@std/assert";
import {
  type ByteStream,
  describe,
  IMAGE_MANIFEST,
  ImageLayout,
  MAX_MANIFEST_BYTES,
  OrasError,
  packIndex,
  packManifest,
  pushManifest,
  readAll,
} from "@kubesolo/update/oras";
import { contentOf, pushImage, run, TemporaryDirectory, textBlob } from "./_image.ts";

const TYPE = "application/vnd.example";
const HELLO = textBlob("hello");

function note(n: number) {
  return packManifest({ artifactType: TYPE, annotations: { n: `${n}` } });
}

async function code(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, OrasError)).code;
}

/** Names of all files below the directory, sorted. */
async function filesBelow(directory: string): Promise<string[]> {
  const text = await run("find", directory, "-type", "f", "-printf", "%P\\n");
  return new TextDecoder().decode(text).trim().split("\n").sort();
}

async function indexOf(directory: string): Promise<Record<string, unknown>> {
  return JSON.parse(await Deno.readTextFile(`${directory}/index.json`));
}

Deno.test("create() makes a layout of three things, and again is no harm", async () => {
  await using temporary = new TemporaryDirectory();
  const directory = `${temporary.path}/a/b`;
  assertEquals(await code(ImageLayout.open(directory)), "missing");
  const layout = await ImageLayout.create(directory);
  await pushManifest(layout, note(1));
  await layout.tag(note(1).descriptor, "v1");
  assertEquals(await (await ImageLayout.create(directory)).tags(), ["v1"]);
  const blobs = (await filesBelow(directory)).filter((name) => name.startsWith("blobs/sha256/"));
  assertEquals(await filesBelow(directory), [...blobs, "index.json", "oci-layout"]);
  assertEquals(blobs.length, 2);
  const version = await Deno.readTextFile(`${directory}/oci-layout`);
  assertEquals(version, `{"imageLayoutVersion":"1.0.0"}`);
});

Deno.test("a layout gives what was pushed, from an offset too", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  assertEquals(await layout.exists(HELLO.target), false);
  assertEquals(await code(layout.fetch(HELLO.target)), "missing");
  await layout.push(HELLO.target, HELLO.bytes);
  await layout.push(HELLO.target, HELLO.bytes);
  assertEquals(await layout.exists(HELLO.target), true);
  assertEquals(await contentOf(layout, HELLO.target), HELLO.bytes);
  for (const [offset, text] of [[2, "llo"], [5, ""], [9, ""]] as const) {
    assertEquals(await new Response(await layout.fetch(HELLO.target, { offset })).text(), text);
  }
});

Deno.test("large content comes back whole, to a BYOB reader as well", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  const bytes = new Uint8Array(1_000_003).map((_, at) => at % 251);
  const target = describe("application/octet-stream", bytes);
  const content: ByteStream = new Response(bytes).body!;
  await layout.push(target, content);
  assertEquals(await contentOf(layout, target), bytes);
  const reader = (await layout.fetch(target)).getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(500_000), { min: 500_000 });
  assertEquals(value, bytes.slice(0, 500_000));
  await reader.cancel();
});

Deno.test("content that is not what was expected leaves no trace", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  const before = await filesBelow(temporary.path);
  for (const wrong of ["hellO", "hell", "hello!"]) {
    const pushed = layout.push(HELLO.target, new TextEncoder().encode(wrong));
    assertEquals(await code(pushed), "content");
  }
  const broken: ByteStream = new ReadableStream({
    pull: (controller) => controller.error(new OrasError("unreachable", "reading", "no answer")),
  });
  assertEquals(await code(layout.push(HELLO.target, broken)), "unreachable");
  const huge = { ...HELLO.target, mediaType: IMAGE_MANIFEST, size: MAX_MANIFEST_BYTES + 1 };
  assertEquals(await code(layout.push(huge, HELLO.bytes)), "content");
  assertEquals(await filesBelow(temporary.path), before);
});

Deno.test("fetch() ends when its signal says so, and closes its file", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  await layout.push(HELLO.target, HELLO.bytes);
  const stream = await layout.fetch(HELLO.target, { signal: AbortSignal.abort(new Error("no")) });
  await assertRejects(() => readAll(HELLO.target, stream, 99), Error, "no");
});

Deno.test("tags move, and what they named before is still found by digest", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  await pushManifest(layout, note(1));
  await pushManifest(layout, note(2));
  await layout.tag(note(1).descriptor, "v1");
  await layout.tag(note(1).descriptor, "latest");
  await layout.tag(note(2).descriptor, "latest");
  await layout.tag(note(2).descriptor, "v1");
  assertEquals(await layout.tags(), ["latest", "v1"]);
  assertEquals(await layout.resolve("v1"), note(2).descriptor);
  assertEquals(await layout.resolve(note(1).descriptor.digest), note(1).descriptor);
  assertEquals(((await indexOf(temporary.path)).manifests as unknown[]).length, 3);
  assertEquals(await code(layout.resolve("v2")), "missing");
  assertEquals(await code(layout.resolve(HELLO.target.digest)), "missing");
  assertEquals(await code(layout.tag(note(3).descriptor, "v3")), "missing");
  assertEquals(await code(layout.tag(note(2).descriptor, "../v3")), "reference");
});

Deno.test("pushes next to each other are all listed", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  const notes = Array.from({ length: 20 }, (_, n) => note(n));
  await Promise.all(notes.map((packed) => pushManifest(layout, packed)));
  await Promise.all(notes.map(({ descriptor }, n) => layout.tag(descriptor, `v${n}`)));
  assertEquals((await layout.tags()).length, 20);
  for (const { descriptor } of notes) {
    assertEquals(await layout.resolve(descriptor.digest), descriptor);
  }
});

Deno.test("manifests inside indexes are found, and so is what refers to them", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  const image = note(1);
  const inner = packIndex({ manifests: [image.descriptor, note(9).descriptor] });
  const outer = packIndex({ manifests: [inner.descriptor, inner.descriptor] });
  const signature = packManifest({ artifactType: "x/signature", subject: image.descriptor });
  for (const packed of [image, inner, outer, signature]) await pushManifest(layout, packed);
  // As other tools leave it: only the outermost is listed.
  const index = await indexOf(temporary.path);
  const manifests = [outer.descriptor, signature.descriptor];
  await Deno.writeTextFile(`${temporary.path}/index.json`, JSON.stringify({ ...index, manifests }));
  assertEquals(await layout.resolve(image.descriptor.digest), image.descriptor);
  assertEquals(await layout.referrers(image.descriptor), [signature.descriptor]);
  assertEquals(await layout.referrers(image.descriptor, "x/other"), []);
  assertEquals(await code(layout.resolve(note(9).descriptor.digest)), "missing");
});

Deno.test("what others wrote into index.json is kept", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  const { descriptor, bytes } = note(1);
  const theirs = { ...descriptor, urls: ["https://example.org"], annotations: { a: "b" } };
  const document = { schemaVersion: 2, manifests: [theirs], annotations: { c: "d" }, odd: [1] };
  await Deno.writeTextFile(`${temporary.path}/index.json`, JSON.stringify(document));
  await layout.push(descriptor, bytes);
  await pushManifest(layout, note(2));
  const manifests = [theirs, note(2).descriptor];
  assertEquals<unknown>(await indexOf(temporary.path), { ...document, manifests });
});

Deno.test("a hostile layout is refused", async () => {
  await using temporary = new TemporaryDirectory();
  await ImageLayout.create(temporary.path);
  const refused = async (file: string, text: string) => {
    const path = `${temporary.path}/${file}`;
    const before = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text);
    assertEquals(await code(ImageLayout.open(temporary.path)), "content", text.slice(0, 80));
    await Deno.writeTextFile(path, before);
  };
  const escape = { ...HELLO.target, digest: "sha256:../../../../etc/passwd" };
  for (const text of ["", "[]", "null", "7", `{"schemaVersion":2,"manifests":{}}`]) {
    await refused("index.json", text);
  }
  await refused("index.json", JSON.stringify({ schemaVersion: 2, manifests: [escape] }));
  await refused("index.json", `{"schemaVersion":2,"manifests":[]}`.padEnd(MAX_MANIFEST_BYTES + 1));
  await refused("oci-layout", `{"imageLayoutVersion":"2.0.0"}`);
  await refused("oci-layout", `{"imageLayoutVersion":"1.0.0"}`.padEnd(5000));
  const layout = await ImageLayout.open(temporary.path);
  assertEquals(await code(layout.fetch(escape)), "content");
  assertEquals(await code(layout.exists(escape)), "content");
  assertEquals(await code(layout.push(escape, HELLO.bytes)), "content");
});

Deno.test("a name for two manifests names none of them", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  const annotations = { "org.opencontainers.image.ref.name": "v1" };
  const manifests = [1, 2].map((n) => ({ ...note(n).descriptor, annotations }));
  await pushManifest(layout, note(1));
  await pushManifest(layout, note(2));
  const document = JSON.stringify({ schemaVersion: 2, manifests });
  await Deno.writeTextFile(`${temporary.path}/index.json`, document);
  assertEquals(await code(layout.resolve("v1")), "content");
  await layout.tag(note(2).descriptor, "v1");
  assertEquals(await layout.resolve("v1"), note(2).descriptor);
  assertEquals(await layout.resolve(note(1).descriptor.digest), note(1).descriptor);
});

Deno.test("a pipe in the place of content is refused, not waited for", async () => {
  await using temporary = new TemporaryDirectory();
  const layout = await ImageLayout.create(temporary.path);
  await run("mkfifo", `${temporary.path}/blobs/${HELLO.target.digest.replace(":", "/")}`);
  assertEquals(await code(layout.fetch(HELLO.target)), "io");
});

Deno.test({
  name: "a layout on read-only media is read, and what cannot be written is said",
  ignore: Deno.uid() !== 0, // it mounts
  fn: async () => {
    await using temporary = new TemporaryDirectory();
    const path = `${temporary.path}/layout`;
    const packed = await pushImage(await ImageLayout.create(path), "hello");
    await run("mount", "--bind", path, path);
    try {
      await run("mount", "-o", "remount,bind,ro", path);
      const layout = await ImageLayout.open(path);
      assertEquals(await layout.resolve(packed.descriptor.digest), packed.descriptor);
      assertEquals(await contentOf(layout, packed.descriptor), packed.bytes);
      assertEquals(await code(layout.push(HELLO.target, HELLO.bytes)), "io");
      assertEquals(await code(layout.tag(packed.descriptor, "v1")), "io");
    } finally {
      await run("umount", path);
    }
  },
});

Deno.test({
  name: "a full disk is said, leaves no trace, and the rest of the content is not asked for",
  ignore: Deno.uid() !== 0, // it mounts
  fn: async () => {
    await using temporary = new TemporaryDirectory();
    const path = `${temporary.path}/small`;
    await Deno.mkdir(path);
    await run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", path);
    try {
      const layout = await ImageLayout.create(path);
      const before = await filesBelow(path);
      let cancelled = false;
      const endless: ByteStream = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1 << 16)),
        cancel: () => void (cancelled = true),
      });
      const target = { ...HELLO.target, size: 1 << 30 };
      assertEquals(await code(layout.push(target, endless)), "io");
      assertEquals(cancelled, true);
      assertEquals(await filesBelow(path), before);
      await layout.push(HELLO.target, HELLO.bytes);
    } finally {
      await run("umount", path);
    }
  },
});
