import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ByteStream,
  describe,
  type Descriptor,
  digestOf,
  isDigest,
  OrasError,
  readAll,
  verified,
} from "@kubesolo/update/oras";

const TEXT = "application/octet-stream";
const HELLO = new TextEncoder().encode("hello world");

/** A stream of exactly these chunks. */
function chunks(...parts: readonly Uint8Array<ArrayBuffer>[]): ByteStream {
  const left = parts.map((part) => part.slice());
  return new ReadableStream({
    pull(controller) {
      const part = left.shift();
      if (part) controller.enqueue(part);
      else controller.close();
    },
  });
}

function ones(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size).fill(1);
}

async function failure(expected: Descriptor, stream: ByteStream): Promise<OrasError> {
  const error = await assertRejects(() => readAll(expected, stream, 1024), OrasError);
  assertEquals(error.code, "content");
  return error;
}

Deno.test("digestOf() is the digest that sha256sum prints", () => {
  assertEquals(
    digestOf(HELLO),
    "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
  );
});

Deno.test("isDigest() knows nothing but lower-case SHA-256", () => {
  const hex = "0a".repeat(32);
  assertEquals(isDigest(`sha256:${hex}`), true);
  for (const not of [hex, `sha512:${hex}${hex}`, `sha256:${hex.toUpperCase()}`, "sha256:../.."]) {
    assertEquals(isDigest(not), false, not);
  }
  assertEquals(isDigest(`sha256:${hex}\n`), false);
});

Deno.test("readAll() has the content, wherever the chunks end", async () => {
  for (let cut = 0; cut <= HELLO.length; cut++) {
    const stream = chunks(HELLO.slice(0, cut), HELLO.slice(cut));
    assertEquals(await readAll(describe(TEXT, HELLO), stream, 1024), HELLO);
  }
  assertEquals(await readAll(describe(TEXT, ones(0)), chunks(), 1024), ones(0));
});

Deno.test("readAll() refuses content that is short by one byte", async () => {
  const error = await failure(describe(TEXT, HELLO), chunks(HELLO.slice(1)));
  assertEquals(error.message.endsWith("10 bytes instead of 11"), true, error.message);
});

Deno.test("readAll() refuses content that is long by one byte, in a chunk of its own too", async () => {
  await failure(describe(TEXT, HELLO), chunks(HELLO, ones(1)));
  await failure(describe(TEXT, HELLO), chunks(new Uint8Array([...HELLO, 1])));
  await failure(describe(TEXT, ones(0)), chunks(ones(1)));
});

Deno.test("readAll() refuses other content of the same size", async () => {
  await failure(describe(TEXT, HELLO), chunks(ones(HELLO.length)));
});

Deno.test("readAll() reads nothing of what is larger than its limit", async () => {
  let cancelled = false;
  const stream: ByteStream = new ReadableStream({ cancel: () => void (cancelled = true) });
  await failure({ mediaType: TEXT, digest: digestOf(HELLO), size: 1025 }, stream);
  assertEquals(cancelled, true);
});

Deno.test("verified() refuses other algorithms, and sizes that are none", () => {
  const { digest } = describe(TEXT, HELLO);
  const sha512 = { mediaType: TEXT, digest: `sha512:${"00".repeat(64)}`, size: 11 };
  assertThrows(() => verified(sha512, chunks(HELLO)), OrasError, "wanted a sha256 digest");
  for (const size of [-1, 0.5, NaN, Infinity]) {
    const odd = { mediaType: TEXT, digest, size };
    assertThrows(() => verified(odd, chunks(HELLO)), OrasError, "wanted a size");
  }
});

Deno.test("verified() cancels its source, when it is cancelled and when there is too much", async () => {
  const reasons: unknown[] = [];
  const endless = (): ByteStream =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(ones(4)),
      cancel: (reason) => void reasons.push(reason),
    });
  await verified(describe(TEXT, HELLO), endless()).cancel("enough");
  assertEquals(reasons, ["enough"]);
  await failure(describe(TEXT, HELLO), endless());
  assertEquals(reasons.length, 2);
});

Deno.test("verified() hands on the error of its source", async () => {
  const broken: ByteStream = new ReadableStream({
    pull: (controller) => controller.error(new OrasError("unreachable", "reading", "no answer")),
  });
  const read = () => readAll(describe(TEXT, HELLO), broken, 1024);
  assertEquals((await assertRejects(read, OrasError)).code, "unreachable");
});

Deno.test("verified() fills the buffers of a BYOB reader", async () => {
  const content = crypto.getRandomValues(new Uint8Array(1000));
  const parts = [0, 1, 2, 3].map((part) => content.slice(part * 250, part * 250 + 250));
  const reader = verified(describe(TEXT, content), chunks(...parts)).getReader({ mode: "byob" });
  const found: number[] = [];
  for (let end = false; !end;) {
    const { value, done } = await reader.read(new Uint8Array(64), { min: 64 });
    found.push(...value ?? []);
    end = done;
  }
  assertEquals(new Uint8Array(found), content);
});

Deno.test("verified() tells a BYOB reader of wrong and of missing bytes", async () => {
  for (const content of [ones(11), HELLO.slice(1), ones(0)]) {
    const reader = verified(describe(TEXT, HELLO), chunks(content)).getReader({ mode: "byob" });
    await assertRejects(async () => {
      while (!(await reader.read(new Uint8Array(64), { min: 64 })).done);
    }, OrasError);
  }
});

Deno.test("verified() ends for a BYOB reader where there is nothing", async () => {
  const reader = verified(describe(TEXT, ones(0)), chunks()).getReader({ mode: "byob" });
  assertEquals((await reader.read(new Uint8Array(8))).done, true);
});
