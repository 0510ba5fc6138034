import { assert, assertEquals } from "@std/assert";
import { serve, serveRaw } from "../http/_servers.ts";
import { blob, bytesOf, noise } from "./_artifacts.ts";
import { TokenRegistry } from "./_token_registry.ts";
import { at, fails, open, readVerified } from "./_repository.ts";

Deno.test("a blob that is tampered with, short or long is refused", async () => {
  const { descriptor, bytes } = blob(noise(100_000));
  const tampered = bytes.slice();
  tampered[50_000] ^= 1;
  for (const body of [tampered, bytes.slice(1), new Uint8Array([...bytes, 0])]) {
    await using server = serve(() => new Response(body));
    await fails("content", () => readVerified(open(at(server)), descriptor));
  }
});

Deno.test("a registry that is gone in the middle of a blob is unreachable", async () => {
  const { descriptor, bytes } = blob(noise(100_000));
  await using server = serveRaw(async ({ send }) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    await send(bytes.subarray(0, 50_000));
  });
  await fails("unreachable", () => readVerified(open(at(server)), descriptor), "too early");
});

Deno.test("a blob whose length is not said is taken, and counted", async () => {
  const { descriptor, bytes } = blob(noise(100_000));
  const packed = await bytesOf(
    new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")),
  );
  const encoded = { headers: { "content-encoding": "gzip" } };
  const chunked = (body: Uint8Array<ArrayBuffer>) => new Response(new Blob([body]).stream());
  for (const answer of [() => chunked(bytes), () => new Response(packed, encoded)]) {
    await using server = serve(answer);
    assertEquals(await readVerified(open(at(server)), descriptor), bytes);
  }
  let sent = 0;
  const endless = () =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(++sent && 1 << 16)),
    });
  const wrong: [answer: () => Response, says: string][] = [
    [() => chunked(bytes.slice(1)), "99999 bytes instead of 100000"],
    [() => new Response(endless()), "more than the 100000 bytes that it has"],
    [() => new Response(new Uint8Array(packed), encoded), "bytes"],
  ];
  const unpacked = blob(packed).descriptor;
  for (const [answer, says] of wrong) {
    await using server = serve(answer);
    const wanted = says === "bytes" ? unpacked : descriptor;
    await fails("content", () => readVerified(open(at(server)), wanted), says);
  }
  assert(sent < 500, `${sent} chunks were sent`);
});

Deno.test("a blob goes on from an offset, also where the registry knows no ranges", async () => {
  const { descriptor, bytes } = blob(noise(200_000));
  await using server = serve(() => new Response(bytes));
  await using registry = new TokenRegistry();
  registry.blobs.set(`os@${descriptor.digest}`, bytes);
  for (const repository of [open(registry), open(at(server))]) {
    for (const offset of [0, 1, 150_000, 199_999, 200_000]) {
      const rest = await bytesOf(await repository.fetch(descriptor, { offset }));
      assertEquals(rest, bytes.subarray(offset).slice());
    }
    for (const offset of [-1, 0.5, 200_001]) {
      await fails("content", () => repository.fetch(descriptor, { offset }));
    }
  }
});

Deno.test("another part than the one that was asked for is refused", async () => {
  const { descriptor, bytes } = blob(noise(100));
  for (const range of ["bytes 11-99/100", "bytes 10-98/100", "bytes 10-99/101", "nonsense", null]) {
    await using server = serve(() =>
      new Response(bytes.subarray(10), {
        status: 206,
        headers: range === null ? {} : { "content-range": range },
      })
    );
    const act = () => open(at(server)).fetch(descriptor, { offset: 10 });
    await fails("protocol", act, "another part");
  }
});
