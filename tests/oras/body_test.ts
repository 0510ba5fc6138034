import { assert, assertEquals, assertRejects } from "@std/assert";
import { guarded, readUpTo } from "../../mod/oras/_body.ts";
import { type ByteStream, OrasError } from "../../mod/oras/mod.ts";
import { tinyPieces } from "../tiny_pieces.ts";
import { bytesOf, noise } from "./_artifacts.ts";

Deno.test("a body that does not go on is given up", async () => {
  let cancelled = false;
  const source: UnderlyingByteSource = {
    type: "bytes",
    start: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => void (cancelled = true),
  };
  const body: ByteStream = new ReadableStream(source);
  const stream = guarded(body, "testing", undefined, 0.05);
  const error = await assertRejects<OrasError>(() => bytesOf(stream), OrasError, "nothing came");
  assertEquals([error.code, cancelled], ["unreachable", true]);
});

Deno.test("a body that is given up by its reader fails with the reader's reason", async () => {
  const controller = new AbortController();
  const source: UnderlyingByteSource = {
    type: "bytes",
    pull(stream) {
      controller.abort(new Error("enough"));
      stream.error(new Error("aborted"));
    },
  };
  const body: ByteStream = new ReadableStream(source);
  const stream = guarded(body, "testing", controller.signal);
  await assertRejects(() => bytesOf(stream), Error, "enough");
});

Deno.test("a body is the same bytes, with and without a buffer of the reader's own", async () => {
  const bytes = noise(300_000);
  assertEquals(await bytesOf(guarded(new Blob([bytes]).stream(), "testing")), bytes);
  assertEquals((await bytesOf(guarded(null, "testing"))).length, 0);
  for (const body of [new Blob([bytes]).stream(), null]) {
    const reader = guarded(body, "testing").getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(500_000), { min: 500_000 });
    assertEquals(value, body ? bytes : new Uint8Array());
  }
});

Deno.test("no more is read than the limit", async () => {
  const body = (size: number) => guarded(new Blob([noise(size)]).stream(), "testing");
  assertEquals((await readUpTo(body(1000), 1000))?.length, 1000);
  assertEquals(await readUpTo(body(1001), 1000), undefined);
});

Deno.test("a body that comes byte by byte takes no more memory than its bytes", async () => {
  const { stream, peak } = tinyPieces(20_000);
  assertEquals(await readUpTo(stream, 20_000), new Uint8Array(20_000).fill(32));
  assert(peak() < 512 << 20, `${peak()}`);
});
