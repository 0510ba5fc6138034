import { assert, assertEquals, assertRejects } from "@std/assert";
import { apply, EXIT, UpdateError } from "../../mod/core/mod.ts";
import { readUpTo } from "../../mod/http/_metadata.ts";
import { HttpSource, MAX_METADATA_BYTES, METADATA_TRIES } from "../../mod/http/mod.ts";
import { factoryDisk, filesRelease, memoryNode, POLICY } from "../fakes/memory_machine.ts";
import { tinyPieces } from "../tiny_pieces.ts";
import { closedPort, imageJson, recordedSleep, serve, serveRaw } from "./_servers.ts";

const IMAGE = imageJson(new Uint8Array(5));

async function refusal(source: HttpSource): Promise<UpdateError> {
  return await assertRejects(() => source.latest(), UpdateError);
}

Deno.test("latest() reads latest.json in the server's directory", async () => {
  await using server = serve(() => new Response(IMAGE));
  const paths = ["", "/", "/os/stable", "/os/stable/", "/os/beta.json", "/os?token=x"];
  for (const path of paths) {
    assertEquals((await new HttpSource(server.url + path).latest()).version, "1.2.0");
  }
  assertEquals(server.requests.map(({ path }) => path), [
    "/latest.json",
    "/latest.json",
    "/os/stable/latest.json",
    "/os/stable/latest.json",
    "/os/beta.json",
    "/os/latest.json?token=x",
  ]);
});

Deno.test("an architecture of any name is refused, and what is kept of that can be read again", async () => {
  const sha256 = "a".repeat(64);
  const json = {
    version: "2.0.0",
    vmlinuz_url: "vmlinuz",
    vmlinuz_sha256: sha256,
    initramfs_url: "initramfs",
    initramfs_sha256: sha256,
    architecture: "constructor",
  };
  await using server = serve(() => Response.json(json));
  const old = filesRelease("1.0.0");
  const node = memoryNode(factoryDisk(old), { id: "1", slot: "A", why: "normal" }, [old]);
  const refused = await assertRejects(
    () => apply(node, new HttpSource(server.url), POLICY),
    UpdateError,
  );
  assertEquals(refused.code, "refused");
  const { state } = await node.states.load();
  assertEquals([state.last_refusal?.gate, state.last_refusal?.found], [
    "architecture",
    "constructor",
  ]);
});

Deno.test("a server's address that is no http URL is a wrong command line", () => {
  for (const address of ["host/path", "", "file:///media/usb", "ftp://host/", "javascript:1"]) {
    try {
      new HttpSource(address);
      throw new Error(`${address} was accepted`);
    } catch (error) {
      assert(error instanceof UpdateError && error.code === "usage", String(error));
    }
  }
});

for (const status of [204, 206, 300, 304, 400, 401, 403, 404, 410, 416]) {
  Deno.test(`latest() gives up at once where the server answers ${status}`, async () => {
    await using server = serve(() => new Response(null, { status }));
    const error = await refusal(new HttpSource(server.url, recordedSleep()));
    assert(error.message.includes(String(status)), error.message);
    assert(error.message.includes(`${server.url}/latest.json`), error.message);
    assertEquals(error.code, status < 300 || status === 416 ? "verification" : "source");
    assertEquals(server.requests.length, 1);
  });
}

for (const status of [408, 429, 500, 502, 503]) {
  Deno.test(`latest() asks again after ${status}`, async () => {
    await using server = serve((_, count) =>
      count < 3 ? new Response("", { status }) : new Response(IMAGE)
    );
    const { waits, sleep } = recordedSleep();
    assertEquals((await new HttpSource(server.url, { sleep }).latest()).version, "1.2.0");
    assertEquals(waits, [500, 1000]);
  });
}

Deno.test("latest() gives up where the server answers 500 for ever", async () => {
  await using server = serve(() => new Response("", { status: 500 }));
  const error = await refusal(new HttpSource(server.url, recordedSleep()));
  assertEquals(EXIT[error.code], 40);
  assert(error.message.includes("500"), error.message);
  assertEquals(server.requests.length, METADATA_TRIES);
});

Deno.test("latest() honours Retry-After, within bounds", async () => {
  const soon = () => new Date(Date.now() + 25_000).toUTCString();
  const cases: [() => string, (wait: number) => boolean][] = [
    [() => "7", (wait) => wait === 7000],
    [() => "86400", (wait) => wait === 30_000],
    [() => "0", (wait) => wait === 500],
    [() => "-5", (wait) => wait === 500],
    [() => "whenever", (wait) => wait === 500],
    [soon, (wait) => wait > 10_000 && wait <= 25_000],
  ];
  for (const [value, fits] of cases) {
    const headers = { "retry-after": value() };
    await using server = serve((_, count) =>
      count === 1 ? new Response("", { status: 503, headers }) : new Response(IMAGE)
    );
    const { waits, sleep } = recordedSleep();
    await new HttpSource(server.url, { sleep }).latest();
    assert(waits.length === 1 && fits(waits[0]), `${headers["retry-after"]}: waited ${waits}`);
  }
});

Deno.test("latest() says that nothing listens there", async () => {
  const source = new HttpSource(`http://127.0.0.1:${closedPort()}`, recordedSleep());
  const error = await refusal(source);
  assertEquals(error.code, "source");
  assert(error.message.includes("Connection refused"), error.message);
});

Deno.test("latest() gives up a server that accepts and says nothing", async () => {
  await using server = serveRaw(() => new Promise((resolve) => setTimeout(resolve, 700)));
  const source = new HttpSource(server.url, { headersSeconds: 0.1, ...recordedSleep() });
  const error = await refusal(source);
  assertEquals(error.code, "source");
  assert(error.message.includes("did not answer within 0.1 seconds"), error.message);
  assertEquals(server.heads.length, METADATA_TRIES);
});

Deno.test("latest() gives up a latest.json that trickles in", async () => {
  await using server = serveRaw(async ({ send }) => {
    await send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{");
    for (let sent = 0; sent < 999; sent++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await send(" ");
    }
  });
  const source = new HttpSource(server.url, { metadataSeconds: 0.2, ...recordedSleep() });
  const began = performance.now();
  const error = await refusal(source);
  assert(performance.now() - began < 15_000, "not for as long as it trickles");
  assertEquals(error.code, "source");
  assert(error.message.includes("did not arrive within 0.2 seconds"), error.message);
});

Deno.test("latest() asks again where the connection broke in the middle", async () => {
  await using server = serveRaw(async ({ count, send }) => {
    const body = count === 1 ? IMAGE.slice(0, 20) : IMAGE;
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${IMAGE.length}\r\n\r\n${body}`);
  });
  assertEquals((await new HttpSource(server.url, recordedSleep()).latest()).version, "1.2.0");
  assertEquals(server.heads.length, 2);
});

Deno.test("latest() does not read a latest.json that says it is too long", async () => {
  await using server = serveRaw(async ({ send }) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${100 << 20}\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  });
  const error = await refusal(new HttpSource(server.url, recordedSleep()));
  assertEquals(error.code, "verification");
  assert(error.message.includes(`${MAX_METADATA_BYTES}`), error.message);
  assertEquals(server.heads.length, 1);
});

Deno.test("latest() stops reading a latest.json of 100 MB that does not say so", async () => {
  await using server = serveRaw(async ({ send }) => {
    await send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    const chunk = new Uint8Array(64 << 10).fill(32);
    for (let sent = 0; sent < 100 << 20; sent += chunk.length) {
      await send(`${chunk.length.toString(16)}\r\n`);
      await send(chunk);
      await send("\r\n");
    }
  });
  const error = await refusal(new HttpSource(server.url, recordedSleep()));
  assertEquals(error.code, "verification");
  // what the kernel's socket buffers take counts as sent
  assert(server.sent < 16 << 20, `the server could send ${server.sent} bytes`);
});

Deno.test("latest() ends at once when its caller gives up", async () => {
  const { promise: never, resolve } = Promise.withResolvers<void>();
  await using server = serveRaw(() => never);
  const reason = new Error("the operator pressed Ctrl-C");
  const began = performance.now();
  // the source itself would wait for longer, and not say this
  await assertRejects(
    () => new HttpSource(server.url).latest(abortedWith(reason, 20)),
    Error,
    reason.message,
  );
  assert(performance.now() - began < 20_000);
  resolve();
});

Deno.test("a hostile status line cannot drive a terminal", async () => {
  await using server = serveRaw(async ({ send }) => {
    await send("HTTP/1.1 404 \x1b[2J\x9bgone\r\ncontent-length: 0\r\n\r\n");
  });
  const { message } = await refusal(new HttpSource(server.url, recordedSleep()));
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f\x7f-\x9f]/.test(message), JSON.stringify(message));
});

Deno.test("a document that comes byte by byte takes no more memory than its bytes", async () => {
  const { stream, peak } = tinyPieces(20_000);
  assertEquals(await readUpTo(new Response(stream), 20_000), new Uint8Array(20_000).fill(32));
  assert(peak() < 512 << 20, `${peak()}`);
});

function abortedWith(reason: Error, milliseconds: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), milliseconds);
  return controller.signal;
}
