import { assertEquals, assertRejects } from "@std/assert";
import { guarded, readUpTo } from "../../mod/oras/_body.ts";
import { OrasError } from "../../mod/oras/mod.ts";
import { bytesOf, noise } from "./_artifacts.ts";

Deno.test("a body that does not go on is given up", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => void (cancelled = true),
  });
  const stream = guarded(body, "testing", undefined, 0.05);
  const error = await assertRejects<OrasError>(() => bytesOf(stream), OrasError, "nothing came");
  assertEquals([error.code, cancelled], ["unreachable", true]);
});

Deno.test("a body that is given up by its reader fails with the reader's reason", async () => {
  const controller = new AbortController();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(stream) {
      controller.abort(new Error("enough"));
      stream.error(new Error("aborted"));
    },
  });
  const stream = guarded(body, "testing", controller.signal);
  await assertRejects(() => bytesOf(stream), Error, "enough");
});

Deno.test("a body is the same bytes, chunks without any included", async () => {
  const parts = [new Uint8Array(), noise(5), new Uint8Array(), noise(7), new Uint8Array()];
  const stream = guarded(ReadableStream.from(parts), "testing");
  assertEquals(await bytesOf(stream), new Uint8Array([...noise(5), ...noise(7)]));
  assertEquals((await bytesOf(guarded(null, "testing"))).length, 0);
});

Deno.test("no more is read than the limit", async () => {
  const body = (size: number) => guarded(new Response(noise(size)).body, "testing");
  assertEquals((await readUpTo(body(1000), 1000))?.length, 1000);
  assertEquals(await readUpTo(body(1001), 1000), undefined);
});
