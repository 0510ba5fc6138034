import { assert, assertEquals } from "@std/assert";
import { transfer, UpdateError } from "../../mod/core/mod.ts";
import { HttpSource } from "../../mod/http/mod.ts";
import { pattern, RecordedReporter, RecordedSink } from "../core/_recorded_sink.ts";
import { imageJson, recordedSleep, serve, serveRaw } from "./_servers.ts";

const BYTES = pattern(3 << 20);
const HALF = BYTES.length / 2;

/** Fetches what `latest.json` at `url` names. */
async function download(url: string, sink = new RecordedSink()) {
  const source = new HttpSource(url, recordedSleep());
  const { artifacts: [image] } = await source.latest();
  const reporter = new RecordedReporter();
  const options = { reporter, stallSeconds: 0.3, ...recordedSleep() };
  const failure = await transfer(source, image, sink, options).then(() => undefined, (e) => e);
  if (failure && !(failure instanceof UpdateError)) throw failure;
  return { failure: failure as UpdateError | undefined, sink, reporter };
}

/** A raw server: `latest.json` as it should be, and `image` for anything else. */
function imageServer(
  image: (
    head: string,
    count: number,
    send: (data: string | Uint8Array) => Promise<number>,
  ) => Promise<unknown>,
  json = imageJson(BYTES),
) {
  let count = 0;
  return serveRaw(async ({ head, send }) => {
    if (head.startsWith("get /latest.json")) {
      await send(`HTTP/1.1 200 OK\r\ncontent-length: ${json.length}\r\n\r\n${json}`);
    } else await image(head, ++count, send);
  });
}

function ranges(heads: readonly string[]): (string | undefined)[] {
  return heads.filter((head) => head.startsWith("get /root.img")).map((head) =>
    /\r\nrange: (.*)\r\n/.exec(head)?.[1]
  );
}

/** What a good server says to a request, up to its body, and where that starts. */
function answered(head: string): { text: string; first: number } {
  const first = Number(/\r\nrange: bytes=(\d+)-\r\n/.exec(head)?.[1] ?? 0);
  const length = `content-length: ${BYTES.length - first}\r\netag: "1"\r\n`;
  const range = `content-range: bytes ${first}-${BYTES.length - 1}/${BYTES.length}\r\n`;
  const text = first > 0
    ? `HTTP/1.1 206 Partial Content\r\n${range}${length}\r\n`
    : `HTTP/1.1 200 OK\r\n${length}\r\n`;
  return { text, first };
}

Deno.test("a download goes on where the connection broke, and fetches no byte twice", async () => {
  await using server = imageServer(async (head, count, send) => {
    const { text, first } = answered(head);
    await send(text);
    await send(count === 1 ? BYTES.subarray(0, HALF) : BYTES.subarray(first));
  });
  const { failure, sink } = await download(server.url);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes, BYTES);
  assertEquals(sink.restarts, 0);
  const [whole, rest] = ranges(server.heads);
  assertEquals(whole, undefined);
  const from = Number(/^bytes=(\d+)-$/.exec(rest ?? "")?.[1]);
  assert(from > 0 && from <= HALF, `the second connection asked for ${rest}`);
  // what was on its way into the buffer when the line broke is fetched again: less than half of it
  assert(server.sent < BYTES.length * 1.5, `the server sent ${server.sent} bytes`);
  assert(server.heads.at(-1)?.includes('if-range: "1"'), server.heads.at(-1));
});

Deno.test("a download survives a server that is gone for a while", async () => {
  await using server = imageServer(async (head, count, send) => {
    const { text, first } = answered(head);
    if (count === 1) {
      await send(text);
      await send(BYTES.subarray(0, HALF));
    } else if (count === 2) await send("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    else if (count > 3) {
      await send(text);
      await send(BYTES.subarray(first));
    }
  });
  const { failure, sink, reporter } = await download(server.url);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes, BYTES);
  assert(reporter.warnings.some((message) => message.includes("503")), reporter.warnings.join());
});

Deno.test("a download starts over where the file changed while it was away", async () => {
  await using server = imageServer(async (_, count, send) => {
    const length = `content-length: ${BYTES.length}\r\netag: "${count}"\r\n\r\n`;
    await send(`HTTP/1.1 200 OK\r\n${length}`);
    await send(count === 1 ? new Uint8Array(HALF) : BYTES);
  });
  const { failure, sink } = await download(server.url);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes, BYTES);
  assertEquals(sink.restarts, 1);
});

Deno.test("a server that always breaks off early is given up", async () => {
  await using server = imageServer(async (_, __, send) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${BYTES.length}\r\n\r\n`);
    await send(BYTES.subarray(0, 1000));
  });
  const { failure } = await download(server.url);
  assertEquals(failure?.code, "source");
  assert(failure?.message.includes("in a row"), failure?.message);
});

Deno.test("a body that stalls is given up, asked for again, and given up for good", async () => {
  let running = true;
  await using server = imageServer(async (head, _, send) => {
    await send(answered(head).text);
    await send(BYTES.subarray(0, 10));
    while (running) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  const { failure, reporter } = await download(server.url);
  running = false;
  assertEquals(failure?.code, "source");
  assert(failure?.message.includes("bytes for 0.3 seconds"), failure?.message);
  assert(reporter.warnings.length >= 4);
});

Deno.test("a body that trickles is given up", async () => {
  let running = true;
  await using server = imageServer(async (head, _, send) => {
    const { text, first } = answered(head);
    await send(text);
    for (let at = first; running && at < BYTES.length; at++) {
      await send(BYTES.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const { failure, reporter } = await download(server.url);
  running = false;
  assertEquals(failure?.code, "source");
  // one of its connections may have stalled for once, on a machine that is busy
  const said = [...reporter.warnings, failure?.message].join("\n");
  assert(/only \d+ bytes in/.test(said), said);
});

Deno.test("a body with other bytes is refused, and the message has both digests", async () => {
  const other = pattern(BYTES.length).fill(7, 5, 6);
  await using server = imageServer(async (_, __, send) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${other.length}\r\n\r\n`);
    await send(other);
  });
  const { failure } = await download(server.url);
  assertEquals(failure?.code, "verification");
  assertEquals(failure?.message.match(/[0-9a-f]{64}/g)?.length, 2);
  assertEquals(ranges(server.heads).length, 1);
});

Deno.test("a body of another length than promised is refused before a byte of it is written", async () => {
  for (const length of [BYTES.length - 1, BYTES.length + 1]) {
    await using server = imageServer(async (_, __, send) => {
      await send(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`);
      await send(new Uint8Array(length));
    });
    const { failure, sink } = await download(server.url);
    assertEquals(failure?.code, "verification");
    assert(failure?.message.includes(`${length} bytes where ${BYTES.length}`), failure?.message);
    assertEquals(sink.writes, 0);
  }
});

Deno.test("a body without length or end is cut off at the promised size", async () => {
  await using server = imageServer(async (_, __, send) => {
    await send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    const chunk = new Uint8Array(1 << 20);
    while (true) {
      await send(`${chunk.length.toString(16)}\r\n`);
      await send(chunk);
      await send("\r\n");
    }
  });
  const { failure, sink } = await download(server.url);
  assertEquals(failure?.code, "verification");
  assert(failure?.message.includes("more than the"), failure?.message);
  assert(sink.bytes.length <= BYTES.length);
  assert(server.sent < 32 << 20, `the server could send ${server.sent} bytes`);
});

Deno.test("a body without a promised size is cut off where the slot is full", async () => {
  const endless = () => new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(1 << 16)) });
  await using server = serve((request) =>
    new Response(
      request.url.endsWith(".json") ? imageJson(BYTES, { image_size: undefined }) : endless(),
    )
  );
  const { failure, sink } = await download(server.url, new RecordedSink({ limit: 1 << 20 }));
  assertEquals(failure?.code, "slot");
  assert(sink.bytes.length <= 1 << 20);
});

Deno.test("an artifact that is gone is not asked for again", async () => {
  await using server = serve((request) =>
    request.url.endsWith(".json")
      ? new Response(imageJson(BYTES))
      : new Response("", { status: 404 })
  );
  const { failure } = await download(server.url);
  assertEquals(failure?.code, "source");
  assert(failure?.message.includes("404"), failure?.message);
  assertEquals(server.requests.length, 2);
});

Deno.test("a download that an earlier run left whole is only hashed", async () => {
  await using server = serve((request) =>
    new Response(
      request.url.endsWith(".json") ? imageJson(BYTES) : "",
    )
  );
  const { failure, sink } = await download(server.url, new RecordedSink({ left: BYTES }));
  assertEquals(failure, undefined);
  assertEquals([sink.writes, sink.restarts, server.requests.length], [0, 0, 1]);
});

Deno.test("without sizes, one that was left whole costs one question", async () => {
  await using server = serve((request) => {
    const json = request.url.endsWith(".json");
    const headers = { "content-range": `bytes */${BYTES.length}` };
    return json
      ? new Response(imageJson(BYTES, { image_size: undefined }))
      : new Response(null, { status: 416, headers });
  });
  const { failure, sink } = await download(server.url, new RecordedSink({ left: BYTES }));
  assertEquals(failure, undefined);
  assertEquals([sink.writes, sink.restarts, server.requests.length], [0, 0, 2]);
});
