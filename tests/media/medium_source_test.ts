import { assertEquals, assertRejects } from "@std/assert";
import { type Artifact, UpdateError } from "../../mod/core/mod.ts";
import { MEDIUM_ADVICE, MediumSource } from "../../mod/media/mod.ts";

const IMAGE: Artifact = { name: "image", sha256: "0".repeat(64) };

async function fails(work: () => Promise<unknown>, code: string): Promise<UpdateError> {
  const error = await assertRejects(work, UpdateError);
  assertEquals(error.code, code, error.message);
  return error;
}

Deno.test("what a medium does not give is an error of the source, and nobody asks again", async () => {
  let failing = false;
  const source = new MediumSource({
    name: "stick",
    latest: () => Promise.reject(new Error("Input/output error")),
    open: () =>
      Promise.resolve({
        offset: 0,
        size: 6,
        stream: new ReadableStream({
          type: "bytes",
          pull(controller) {
            if (failing) throw new Error("Input/output error");
            failing = true;
            controller.enqueue(new TextEncoder().encode("abc"));
          },
        }),
      }),
  });
  assertEquals((await fails(() => source.latest(), "source")).found, "Input/output error");
  assertEquals(await source.steppingStones(), []);
  const reader = (await source.open(IMAGE, 0)).stream.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(10));
  assertEquals(new TextDecoder().decode(value), "abc");
  await fails(() => reader.read(new Uint8Array(10)), "source");

  const parts = { operation: "x", found: "y", advice: "ask the server again" };
  const refusing = new MediumSource({
    name: "stick",
    latest: () => Promise.reject(new UpdateError("verification", parts)),
    open: () => Promise.reject(new UpdateError("source", parts)),
  });
  assertEquals((await fails(() => refusing.latest(), "verification")).advice, parts.advice);
  assertEquals((await fails(() => refusing.open(IMAGE, 0), "source")).advice, MEDIUM_ADVICE);
});

Deno.test("the bytes of a medium go through unchanged, however they are read", async () => {
  const bytes = Uint8Array.from({ length: 1_000_000 }, (_, index) => index * 31 >> 7);
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, bytes);
  const source = new MediumSource({
    name: "stick",
    latest: () => Promise.reject(new Error("none")),
    open: async () => ({ offset: 0, stream: (await Deno.open(path)).readable }),
  });
  try {
    const plain = await source.open(IMAGE, 0);
    assertEquals(await new Response(plain.stream).bytes(), bytes);

    const reader = (await source.open(IMAGE, 0)).stream.getReader({ mode: "byob" });
    const read: Uint8Array[] = [];
    let buffer = new Uint8Array(300_000);
    while (true) {
      const { value, done } = await reader.read(buffer, { min: 300_000 });
      if (value) read.push(value.slice());
      if (done) break;
      buffer = new Uint8Array(value.buffer);
    }
    assertEquals(await new Blob(read as Uint8Array<ArrayBuffer>[]).bytes(), bytes);
  } finally {
    await Deno.remove(path);
  }
});
