import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ArtifactBody, SourceInterrupted, UpdateError } from "../../mod/core/mod.ts";
import { HttpSource } from "../../mod/http/mod.ts";
import { BYTES, imageServer } from "./_image_server.ts";
import { closedPort, imageJson, recordedSleep, serve } from "./_servers.ts";

async function open(url: string, offset: number): Promise<ArtifactBody> {
  const source = new HttpSource(url, recordedSleep());
  const { artifacts: [image] } = await source.latest();
  return await source.open(image, offset);
}

async function read({ stream }: ArtifactBody): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function part(first: number, headers: Record<string, string> = {}, range?: string): Response {
  const body = BYTES.subarray(first);
  return new Response(body, {
    status: 206,
    headers: {
      "content-range": range ?? `bytes ${first}-${BYTES.length - 1}/${BYTES.length}`,
      ...headers,
    },
  });
}

function whole(headers: Record<string, string> = {}): Response {
  return new Response(BYTES, { headers });
}

Deno.test("open() at 0 asks for the whole, as it is, and gives its size", async () => {
  await using server = imageServer(() => whole({ etag: '"1"' }));
  const body = await open(server.url, 0);
  assertEquals([body.offset, body.size], [0, BYTES.length]);
  assertEquals(await read(body), BYTES);
  assertEquals(server.asked[0].get("range"), null);
  assertEquals(server.asked[0].get("accept-encoding"), "identity");
});

Deno.test("open() gives a stream that is read into one buffer, as full as it was asked to be", async () => {
  await using server = imageServer(() => whole());
  const reader = (await open(server.url, 0)).stream.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(600), { min: 600 });
  assertEquals(value?.byteLength, 600);
  await reader.cancel();
});

Deno.test("open() further on asks for the rest", async () => {
  await using server = imageServer(() => part(400));
  const body = await open(server.url, 400);
  assertEquals([body.offset, body.size], [400, BYTES.length]);
  assertEquals(await read(body), BYTES.subarray(400));
  assertEquals(server.asked[0].get("range"), "bytes=400-");
});

Deno.test("open() takes the whole from a server that knows no ranges", async () => {
  await using server = imageServer(() => whole());
  const body = await open(server.url, 400);
  assertEquals(body.offset, 0);
  assertEquals(await read(body), BYTES);
});

const USELESS: readonly (readonly [string, () => Response])[] = [
  ["starts too early", () => part(300)],
  ["starts too late", () => part(500)],
  ["does not say where it starts", () => new Response(BYTES, { status: 206 })],
  ["ends before it starts", () => part(400, {}, "bytes 400-399/1000")],
  ["ends behind the end", () => part(400, {}, "bytes 400-1000/1000")],
  ["ends behind the end that it names", () => part(400, {}, "bytes 400-999/999")],
  ["has another length than it says", () => part(400, {}, "bytes 400-998/1000")],
  ["counts in other units", () => part(400, {}, "lines 400-999/1000")],
  ["has unbelievable numbers", () => part(400, {}, "bytes 400-999/9999999999999999")],
  ["has many parts", () =>
    new Response("--x", {
      status: 206,
      headers: { "content-type": "multipart/byteranges; boundary=x" },
    })],
  ["is out of range", () => new Response(null, { status: 416 })],
  [
    "is out of the range of a shorter file",
    () => new Response(null, { status: 416, headers: { "content-range": "bytes */399" } }),
  ],
];

for (const [name, answer] of USELESS) {
  Deno.test(`open() starts over where the part ${name}`, async () => {
    await using server = imageServer((_, count) => count === 1 ? answer() : whole());
    const body = await open(server.url, 400);
    assertEquals(body.offset, 0);
    assertEquals(await read(body), BYTES);
    assertEquals(server.asked[1].get("range"), null);
  });
}

Deno.test("open() at the end of a file that is already whole brings no bytes", async () => {
  const headers = { "content-range": `bytes */${BYTES.length}` };
  await using server = imageServer(() => new Response(null, { status: 416, headers }));
  const body = await open(server.url, BYTES.length);
  assertEquals([body.offset, body.size], [BYTES.length, BYTES.length]);
  assertEquals(await read(body), new Uint8Array());
  assertEquals(server.asked.length, 1);
});

Deno.test("open() takes a part whose total the server does not know", async () => {
  await using server = imageServer(() => part(400, {}, "bytes 400-999/*"));
  const body = await open(server.url, 400);
  assertEquals([body.offset, body.size], [400, undefined]);
  await body.stream.cancel();
});

Deno.test("open() refuses a server that sends parts nobody asked for", async () => {
  await using server = imageServer(() => part(0));
  const error = await assertRejects(() => open(server.url, 0), UpdateError, "206");
  assertEquals(error.code, "source");
});

/** Validators in the first answer, and what the second request makes of them. */
const VALIDATORS: readonly (readonly [string, Record<string, string>, string | null])[] = [
  ["a strong entity tag", { etag: '"abc"' }, '"abc"'],
  ["a weak entity tag", { etag: 'W/"abc"' }, null],
  ["a tag without quotes", { etag: "abc" }, null],
  ["nothing", {}, null],
  ["an old change", {
    "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
    date: "Thu, 01 Jan 2026 00:00:09 GMT",
  }, "Thu, 01 Jan 2026 00:00:00 GMT"],
  ["a change in the same second", {
    "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
    date: "Thu, 01 Jan 2026 00:00:00 GMT",
  }, null],
];

for (const [name, headers, condition] of VALIDATORS) {
  Deno.test(`open() after ${name} was seen asks with If-Range: ${condition}`, async () => {
    await using server = imageServer((_, count) => count === 1 ? whole(headers) : part(9, headers));
    const source = new HttpSource(server.url);
    const { artifacts: [image] } = await source.latest();
    await (await source.open(image, 0)).stream.cancel();
    const body = await source.open(image, 9);
    assertEquals(body.offset, 9);
    await body.stream.cancel();
    assertEquals(server.asked.map((asked) => asked.get("if-range")), [null, condition]);
  });
}

Deno.test("open() remembers the entity tag of a part as well, also where a later part lacks it", async () => {
  await using server = imageServer((_, count) => part(9, count === 1 ? { etag: '"abc"' } : {}));
  const source = new HttpSource(server.url);
  const { artifacts: [image] } = await source.latest();
  for (let tries = 0; tries < 3; tries++) await (await source.open(image, 9)).stream.cancel();
  assertEquals(server.asked.map((asked) => asked.get("if-range")), [null, '"abc"', '"abc"']);
});

Deno.test("open() starts over where a server that ignores If-Range has another file by now", async () => {
  await using server = imageServer((request, count) => {
    const headers = { etag: count === 1 ? '"old"' : '"new"' };
    return request.headers.has("range") ? part(9, headers) : whole(headers);
  });
  const source = new HttpSource(server.url);
  const { artifacts: [image] } = await source.latest();
  await (await source.open(image, 0)).stream.cancel();
  const body = await source.open(image, 9);
  assertEquals(body.offset, 0);
  await body.stream.cancel();
});

for (const status of [400, 401, 403, 404, 410, 451]) {
  Deno.test(`open() gives up at once where the server answers ${status}`, async () => {
    await using server = imageServer(() => new Response("", { status }));
    const error = await assertRejects(() => open(server.url, 0), UpdateError, `${status}`);
    assertEquals(error.code, "source");
    assert(error.message.includes("/root.img"), error.message);
  });
}

for (const status of [408, 429, 500, 503]) {
  Deno.test(`open() may be asked again after ${status}`, async () => {
    await using server = imageServer(() => new Response("", { status }));
    await assertRejects(() => open(server.url, 0), SourceInterrupted, `${status}`);
    assertEquals(server.asked.length, 1);
  });
}

Deno.test("open() waits as long as the server asked for before it may be asked again", async () => {
  await using server = imageServer(() =>
    new Response("", { status: 503, headers: { "retry-after": "7" } })
  );
  const { waits, sleep } = recordedSleep();
  const source = new HttpSource(server.url, { sleep });
  const { artifacts: [image] } = await source.latest();
  await assertRejects(() => source.open(image, 0), SourceInterrupted);
  assertEquals(waits, [7000]);
});

Deno.test("open() may be asked again where nothing listens", async () => {
  const image_url = `http://127.0.0.1:${closedPort()}/root.img`;
  await using server = serve(() => new Response(imageJson(BYTES, { image_url })));
  await assertRejects(() => open(server.url, 0), SourceInterrupted, "Connection refused");
});

Deno.test("open() of what latest.json did not name is refused", async () => {
  const source = new HttpSource("http://127.0.0.1:9/");
  const error = await assertRejects(
    () => source.open({ name: "image", sha256: "0".repeat(64) }, 0),
    UpdateError,
  );
  assertEquals(error.code, "source");
});
