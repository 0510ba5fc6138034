import { gzipSync } from "node:zlib";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { HttpSource } from "../../mod/http/mod.ts";
import { pattern } from "../core/_recorded_sink.ts";
import { imageServer } from "./_image_server.ts";

/** Reads the beginning of the image, and then says that it is enough. */
async function givenUp(url: string) {
  const source = new HttpSource(url);
  const { artifacts: [image] } = await source.latest();
  const abort = new AbortController();
  const { stream } = await source.open(image, 0, abort.signal);
  const reader = stream.getReader();
  await reader.read();
  abort.abort(new Error("enough"));
  return reader;
}

Deno.test("a body ends with an error when its reader gives up", async () => {
  await using server = imageServer(() =>
    new Response(new ReadableStream({ pull: (controller) => controller.enqueue(pattern(100)) }), {
      headers: { "content-length": "1000000000" },
    })
  );
  const reader = await givenUp(server.url);
  await assertRejects(async () => {
    while (true) await reader.read();
  }, Error);
});

for (const how of ["whole", "from the middle"]) {
  Deno.test(`an artifact that is marked as encoded comes as it is, ${how}`, async () => {
    const packed = new Uint8Array(gzipSync(pattern(100_000)));
    await using server = imageServer((request) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
      return new Response(packed.subarray(from), {
        status: from ? 206 : 200,
        headers: {
          "content-encoding": "gzip",
          "content-length": String(packed.length - from),
          ...from && { "content-range": `bytes ${from}-${packed.length - 1}/${packed.length}` },
        },
      });
    });
    const source = new HttpSource(server.url);
    const { artifacts: [image] } = await source.latest();
    const asked = how === "whole" ? 0 : 1000;
    const { stream, size, offset } = await source.open(image, asked);
    const got = new Uint8Array(await new Response(stream).arrayBuffer());
    assertEquals([offset, size], [asked, packed.length]);
    assertEquals(got, packed.slice(asked));
  });
}

Deno.test({
  name: "an undecoded body ends with an error when its reader gives up",
  // its connection stays until the process ends
  sanitizeResources: false,
  fn: async () => {
    await using server = imageServer(() =>
      new Response(pattern(1_000_000), { headers: { "content-encoding": "gzip" } })
    );
    const reader = await givenUp(server.url);
    await assertRejects(() => reader.read(), Error, "enough");
  },
});

Deno.test("an undecoded body is not kept in memory once it was read", async () => {
  const CHUNKS = 2048;
  const chunk = pattern(64 << 10);
  await using server = imageServer(() => {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (sent++ < CHUNKS) controller.enqueue(chunk.slice());
        else controller.close();
      },
    });
    return new Response(body, { headers: { "content-encoding": "gzip" } });
  });
  const source = new HttpSource(server.url);
  const { artifacts: [image] } = await source.latest();
  const { stream } = await source.open(image, 0, new AbortController().signal);
  const before = Deno.memoryUsage().external;
  let bytes = 0;
  for await (const part of stream) bytes += part.length;
  const kept = Deno.memoryUsage().external - before;
  assertEquals(bytes, CHUNKS * chunk.length);
  assert(kept < bytes / 2, `${kept} of ${bytes} bytes were kept`);
});
