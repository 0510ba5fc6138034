import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { OrasError, type Packing, readTar, unpack, writeTar } from "@kubesolo/update/oras";
import { MAX_ZSTD_WINDOW_BYTES } from "../../mod/oras/_zstd_frames.ts";
import { run, TemporaryDirectory } from "./_image.ts";

/** Bytes that pack, but not too well, over several blocks. */
const BYTES = Uint8Array.from(
  { length: 700_000 },
  (_, at) => at % 97 < 60 ? at % 20 : (at * at) >> 7,
);

const [ZSTD, GZIP] = [
  zstdCompressSync(BYTES, {
    params: { [constants.ZSTD_c_checksumFlag]: 1 },
  }),
  gzipSync(BYTES),
].map((bytes) => new Uint8Array(bytes));

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function all(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(ReadableStream.from(pieces)).bytes();
}

function unpacked(bytes: Uint8Array, packing: Packing, length = 10_000): Promise<Uint8Array> {
  return all(unpack(inPieces(bytes, length), packing));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** The words of the refusal. */
async function refused(bytes: Uint8Array, packing: Packing, length?: number): Promise<string> {
  const error = await assertRejects(() => unpacked(bytes, packing, length), OrasError);
  assertEquals(error.code, "content", error.message);
  return error.message;
}

Deno.test("what is packed comes out, however the bytes come", async () => {
  for (const length of [1, 7, 4096, 1 << 20]) {
    assertEquals(
      await unpacked(BYTES.subarray(0, 50_000), "none", length),
      BYTES.subarray(0, 50_000),
    );
    const small = new Uint8Array(zstdCompressSync(BYTES.subarray(0, 50_000)));
    assertEquals(await unpacked(small, "zstd", length), BYTES.subarray(0, 50_000));
  }
  assertEquals(await unpacked(ZSTD, "zstd"), BYTES);
  assertEquals(await unpacked(GZIP, "gzip"), BYTES);
});

Deno.test("frames and members follow each other; skippable frames hold nothing", async () => {
  const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  const twice = joined(BYTES, BYTES);
  assertEquals(await unpacked(joined(skippable, ZSTD, skippable, ZSTD), "zstd"), twice);
  assertEquals(await unpacked(joined(GZIP, GZIP), "gzip"), twice);
});

Deno.test("what zstd(1) makes at any level is taken, up to the largest window", async () => {
  await using temporary = new TemporaryDirectory();
  const path = `${temporary.path}/bytes`;
  await Deno.writeFile(path, BYTES);
  for (const level of [["-1"], ["-19"], ["--ultra", "-22"], ["-3", "--long=25"]]) {
    const packed = await run("zstd", "-q", ...level, "-c", path);
    assertEquals(await unpacked(packed, "zstd"), BYTES, level.join(" "));
  }
  // from a pipe its length is not known, and the window is what the option says
  const long = await run("sh", "-c", `zstd -q -c --long=26 <${path}`);
  assertStringIncludes(await refused(long, "zstd"), `at most ${MAX_ZSTD_WINDOW_BYTES} are taken`);
});

Deno.test("what ends too early is refused, wherever that is", async () => {
  for (const part of [0, 0.001, 0.3, 0.99, 0.99999]) {
    await refused(ZSTD.subarray(0, Math.floor(ZSTD.length * part)), "zstd");
    await refused(GZIP.subarray(0, Math.floor(GZIP.length * part)), "gzip");
  }
});

Deno.test("other bytes behind the last frame are refused", async () => {
  const words = await refused(joined(ZSTD, new Uint8Array(20)), "zstd");
  assertStringIncludes(words, "other bytes behind the last frame");
});

Deno.test("whatever is damaged is refused, or comes out as it was: nothing is uncaught", async () => {
  let refusals = 0;
  for (let count = 0; count < 400; count++) {
    const damaged = ZSTD.slice();
    const at = count < 50 ? count : Math.floor((count / 400) * damaged.length);
    damaged[at] ^= 1 << (count % 8);
    try {
      assertEquals(await unpacked(damaged, "zstd", 1 + (count * 997) % 30_000), BYTES);
    } catch (error) {
      assert(error instanceof OrasError, `${at}: ${error}`);
      refusals++;
    }
  }
  assert(refusals > 380, `${refusals}`);
});

Deno.test("blocks of zstd say how large they are: a bomb comes in small pieces", async () => {
  // a frame without a length, of blocks that are one byte 131,072 times
  const header = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38);
  const block = Uint8Array.of(0x02, 0x00, 0x10, 0x41);
  let given = 0;
  const bomb = (async function* () {
    yield header;
    while (true) {
      given++;
      yield block;
    }
  })();
  let size = 0;
  for await (const piece of unpack(bomb, "zstd")) {
    size += piece.length;
    assert(piece.length <= 256 << 10);
    if (size > 64 << 20) break;
  }
  assert(given * block.length <= 128 << 10, `${given} blocks were read for 512`);
});

Deno.test("a failure to read is not one of unpacking", async () => {
  const lost = new Error("the cable");
  const broken = async function* () {
    yield ZSTD.subarray(0, 1000);
    throw lost;
  };
  for (const packing of ["none", "gzip", "zstd"] as const) {
    const bytes = packing === "gzip"
      ? (async function* () {
        yield GZIP.subarray(0, 1000);
        throw lost;
      })()
      : broken();
    assertEquals(await assertRejects(() => all(unpack(bytes, packing))), lost, packing);
  }
});

Deno.test("a tar that was written is read, and by tar(1) too", async () => {
  const files = [["boot/vmlinuz", "kernel"], ["boot/empty", ""], ["long", "x".repeat(2000)]];
  const tar = () =>
    all(writeTar(files.map(([name, text]) => {
      const bytes = new TextEncoder().encode(text);
      return { name, size: bytes.length, content: inPieces(bytes, 700) };
    })));
  const bytes = await tar();
  assertEquals(bytes, await tar(), "the same files are the same bytes");
  const read: string[][] = [];
  for await (const { name, content } of readTar(inPieces(bytes, 333))) {
    read.push([name, new TextDecoder().decode(await all(content))]);
  }
  assertEquals(read, files);
  await using temporary = new TemporaryDirectory();
  await Deno.writeFile(`${temporary.path}/tar`, bytes);
  const listed = await run("tar", "-tf", `${temporary.path}/tar`);
  assertEquals(new TextDecoder().decode(listed), files.map(([name]) => `${name}\n`).join(""));
});

Deno.test("content of a tar that nobody reads is passed over", async () => {
  const content = () => inPieces(new Uint8Array(5000), 100);
  const tar = writeTar(["a", "b"].map((name) => ({ name, size: 5000, content: content() })));
  const names: string[] = [];
  for await (const { name, content } of readTar(tar)) {
    names.push(name);
    for await (const _ of content) break;
  }
  assertEquals(names, ["a", "b"]);
});
