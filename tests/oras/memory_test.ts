import { assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import {
  describe,
  type Descriptor,
  MemoryTarget,
  OrasError,
  packIndex,
  packManifest,
  pushManifest,
  readAll,
} from "@kubesolo/update/oras";

const TYPE = "application/vnd.example";
const HELLO = new TextEncoder().encode("hello");
const BLOB = describe("text/plain", HELLO);

async function content(from: MemoryTarget, target: Descriptor, offset = 0): Promise<string> {
  return await new Response(await from.fetch(target, { offset })).text();
}

async function code(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, OrasError)).code;
}

Deno.test("memory gives what was pushed, from an offset too, again and again", async () => {
  const memory = new MemoryTarget();
  assertEquals(await memory.exists(BLOB), false);
  await memory.push(BLOB, HELLO);
  await memory.push(BLOB, HELLO);
  assertEquals(await memory.exists(BLOB), true);
  assertEquals(HELLO.length, 5);
  for (const [offset, text] of [[0, "hello"], [2, "llo"], [5, ""], [0, "hello"]] as const) {
    assertEquals(await content(memory, BLOB, offset), text);
  }
});

Deno.test("memory takes a Buffer, whose slices are views, and leaves it to its owner", async () => {
  const memory = new MemoryTarget();
  const buffer = Buffer.alloc(200_000, "kubesolo");
  const target = describe("text/plain", buffer);
  await memory.push(target, buffer);
  assertEquals(buffer.length, 200_000);
  assertEquals((await content(memory, target)).length, 200_000);
});

Deno.test("memory keeps large content whole, and it is not the caller's", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(65_536)).slice(0, 65_535);
  const large = new Uint8Array(200_000);
  large.set(bytes);
  const target = describe("application/octet-stream", large);
  const memory = new MemoryTarget();
  await memory.push(target, large);
  large.fill(0);
  const back = await readAll(target, await memory.fetch(target), large.length);
  assertEquals(back.slice(0, bytes.length), bytes);
});

Deno.test("memory refuses content that is not what was expected, or too large", async () => {
  const memory = new MemoryTarget({ maxContentBytes: 4 });
  assertEquals(await code(memory.push(BLOB, HELLO)), "content");
  assertEquals(await code(new MemoryTarget().push(BLOB, HELLO.slice(1))), "content");
  assertEquals(await memory.exists(BLOB), false);
  assertEquals(await code(memory.fetch(BLOB)), "missing");
});

Deno.test("memory resolves tags and digests of manifests, and tags move", async () => {
  const memory = new MemoryTarget();
  const one = packManifest({ artifactType: TYPE });
  const two = packManifest({ artifactType: TYPE, annotations: { n: "2" } });
  await pushManifest(memory, one);
  await pushManifest(memory, two);
  await memory.tag(one.descriptor, "v1");
  await memory.tag(one.descriptor, "latest");
  await memory.tag(two.descriptor, "latest");
  assertEquals(await memory.tags(), ["latest", "v1"]);
  assertEquals(await memory.resolve("latest"), two.descriptor);
  assertEquals(await memory.resolve("v1"), one.descriptor);
  assertEquals(await memory.resolve(one.descriptor.digest), one.descriptor);
  assertEquals(await code(memory.resolve("v2")), "missing");
  assertEquals(await code(memory.resolve(BLOB.digest)), "missing");
});

Deno.test("memory tags only manifests that are there, and with tags only", async () => {
  const memory = new MemoryTarget();
  const { descriptor, bytes } = packManifest({ artifactType: TYPE });
  assertEquals(await code(memory.tag(descriptor, "v1")), "missing");
  await memory.push(descriptor, bytes);
  for (const tag of ["", "a b", "a/b", "-a", "a".repeat(129), descriptor.digest]) {
    assertEquals(await code(memory.tag(descriptor, tag)), "reference");
  }
  assertEquals(await memory.tags(), []);
});

Deno.test("memory knows what refers to a manifest, and its type", async () => {
  const memory = new MemoryTarget();
  const image = packManifest({ artifactType: TYPE });
  const subject = image.descriptor;
  const annotations = { a: "b" };
  const signature = packManifest({ artifactType: "x/signature", subject, annotations });
  const config = describe("x/config", HELLO);
  const other = packManifest({ config, subject });
  const list = packIndex({ manifests: [], subject });
  for (const packed of [image, signature, other, list]) await pushManifest(memory, packed);
  assertEquals(await memory.referrers(subject), [
    { ...signature.descriptor, annotations },
    { ...other.descriptor, artifactType: "x/config" },
    list.descriptor,
  ]);
  assertEquals((await memory.referrers(subject, "x/signature")).length, 1);
  assertEquals(await memory.referrers(signature.descriptor), []);
});
