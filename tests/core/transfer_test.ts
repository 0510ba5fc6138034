import { assert, assertEquals } from "@std/assert";
import { type Artifact, BUFFER_BYTES } from "../../mod/core/mod.ts";
import { pattern, RecordedSink, sha256 } from "./_recorded_sink.ts";
import { artifactOf, cut, FakeSource, run, SMALL, updateError } from "./_transfer.ts";

Deno.test("bytes of any cut arrive whole, over several fills of the buffer", async () => {
  const bytes = pattern(2 * BUFFER_BYTES + 12345);
  const sizes = [1, 7, 65536, 100_000, BUFFER_BYTES, 3, 1 << 20];
  const rest = bytes.length - sizes.reduce((sum, size) => sum + size);
  const source = new FakeSource(() => ({ chunks: cut(bytes, 0, ...sizes, rest) }));
  const sink = new RecordedSink();
  const { failure } = await run(source, artifactOf(bytes), sink);
  assertEquals(failure, undefined);
  assertEquals(sha256(sink.bytes), sha256(bytes));
  assertEquals(source.offsets, [0]);
});

Deno.test("an artifact of no known size ends where its source ends", async () => {
  const sink = new RecordedSink();
  const source = new FakeSource(() => ({ chunks: cut(SMALL, 0, 400, 600) }));
  const { failure } = await run(source, { name: "image", sha256: sha256(SMALL) }, sink);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes, SMALL);
});

Deno.test("progress rises to the end and says the total", async () => {
  const source = new FakeSource(() => ({ chunks: cut(SMALL, 0, 100, 400, 500) }));
  const { reporter } = await run(source, artifactOf(SMALL), new RecordedSink());
  const done = reporter.events.map((event) => event.kind === "progress" ? event.done : -1);
  assertEquals(done, [...done].sort((a, b) => a - b));
  assertEquals(reporter.events.at(-1), {
    kind: "progress",
    artifact: "image",
    action: "fetch",
    done: 1000,
    total: 1000,
  });
});

Deno.test("the total of progress comes from the source where the release has none", async () => {
  const source = new FakeSource(() => ({ size: 1000, chunks: [SMALL] }));
  const artifact: Artifact = { name: "image", sha256: sha256(SMALL) };
  const { reporter } = await run(source, artifact, new RecordedSink());
  const last = reporter.events.at(-1);
  assertEquals(last?.kind === "progress" ? last.total : undefined, 1000);
});

Deno.test("a transfer takes up what an earlier run left", async () => {
  const sink = new RecordedSink({ left: SMALL.subarray(0, 300) });
  const source = new FakeSource((offset) => ({ chunks: [SMALL.subarray(offset)] }));
  const { failure } = await run(source, artifactOf(SMALL), sink);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes, SMALL);
  assertEquals([source.offsets, sink.restarts], [[300], 0]);
});

Deno.test("what was left torn is thrown away once, and fetched from the start", async () => {
  const sink = new RecordedSink({ left: new Uint8Array(300) });
  const source = new FakeSource((offset) => ({ chunks: [SMALL.subarray(offset)] }));
  const { failure } = await run(source, artifactOf(SMALL), sink);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes, SMALL);
  assertEquals([source.offsets, sink.restarts], [[300, 0], 1]);
});

Deno.test("what was left longer than the artifact is thrown away unasked", async () => {
  const sink = new RecordedSink({ left: new Uint8Array(1001) });
  const source = new FakeSource((offset) => ({ chunks: [SMALL.subarray(offset)] }));
  const { failure } = await run(source, artifactOf(SMALL), sink);
  assertEquals(failure, undefined);
  assertEquals([source.offsets, sink.restarts], [[0], 1]);
});

Deno.test("a source that lies twice is refused: nothing is thrown away a second time", async () => {
  const sink = new RecordedSink({ left: new Uint8Array(300) });
  const source = new FakeSource((offset) => ({ chunks: [new Uint8Array(1000 - offset)] }));
  const { failure } = await run(source, artifactOf(SMALL), sink);
  assertEquals(updateError(failure).code, "verification");
  assertEquals([source.offsets, sink.restarts], [[300, 0], 1]);
});

Deno.test("a source that cannot start in the middle starts over, and so does the slot", async () => {
  const sink = new RecordedSink({ left: SMALL.subarray(0, 300) });
  const source = new FakeSource(() => ({ offset: 0, chunks: [SMALL] }));
  const { failure } = await run(source, artifactOf(SMALL), sink);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes, SMALL);
  assertEquals(sink.restarts, 1);
});

Deno.test("wrong bytes are refused with both digests", async () => {
  const source = new FakeSource(() => ({ chunks: [new Uint8Array(1000)] }));
  const { failure } = await run(source, artifactOf(SMALL), new RecordedSink());
  const error = updateError(failure);
  assertEquals(error.code, "verification");
  assert(error.message.includes(sha256(SMALL)), error.message);
  assert(error.message.includes(sha256(new Uint8Array(1000))), error.message);
});

Deno.test("a source that announces another size is refused before anything is written", async () => {
  for (const size of [999, 1001]) {
    const sink = new RecordedSink();
    const source = new FakeSource(() => ({ size, chunks: [SMALL] }));
    const { failure } = await run(source, artifactOf(SMALL), sink);
    assertEquals(updateError(failure).code, "verification");
    assertEquals([sink.writes, source.ended], [0, 1]);
  }
});

Deno.test("a source that sends more than was promised is refused, wherever the promise stood", async () => {
  const more = new Uint8Array([...SMALL, 0]);
  for (const [size, announced] of [[1000, undefined], [undefined, 1000]]) {
    for (const limit of [1000, 2000]) {
      const sink = new RecordedSink({ limit });
      const source = new FakeSource(() => ({ size: announced, chunks: [more] }));
      const artifact: Artifact = { name: "image", sha256: sha256(SMALL), size };
      const { failure } = await run(source, artifact, sink);
      assertEquals(updateError(failure).code, "verification");
      assert(sink.bytes.length <= 1000);
    }
  }
});

Deno.test("a slot that is too small is named before, or where it is full", async () => {
  for (const [size, announced] of [[1000, undefined], [undefined, 1000], [undefined, undefined]]) {
    const sink = new RecordedSink({ limit: 999 });
    const source = new FakeSource(() => ({ size: announced, chunks: cut(SMALL, 0, 500, 500) }));
    const artifact: Artifact = { name: "image", sha256: sha256(SMALL), size };
    const { failure } = await run(source, artifact, sink);
    assertEquals(updateError(failure).code, "slot");
    assert(updateError(failure).message.includes("999"));
    assert(sink.bytes.length <= 999);
    assertEquals(source.ended, 1);
  }
});

Deno.test("a slot whose disk fails ends the transfer with its own error, and the connection", async () => {
  const broken = new Error("Input/output error");
  const sink = new RecordedSink();
  sink.write = () => {
    throw broken;
  };
  const source = new FakeSource(() => ({ chunks: cut(SMALL, 0, 1, 999) }));
  const { failure } = await run(source, artifactOf(SMALL), sink);
  assert(failure === broken);
  assertEquals([source.offsets, source.ended], [[0], 1]);
});

Deno.test("an empty artifact is asked for nothing", async () => {
  const empty = new Uint8Array();
  const source = new FakeSource(() => ({ chunks: [] }));
  assertEquals((await run(source, artifactOf(empty), new RecordedSink())).failure, undefined);
  assertEquals(source.offsets, []);
});

Deno.test("no artifact with a single flipped bit is ever accepted", async () => {
  const [small, large] = [pattern(64), pattern(3 << 20)];
  const everyBit = Array.from({ length: small.length * 8 }, (_, bit) => ({ bytes: small, bit }));
  const samples = Array.from({ length: 200 }, (_, i) => ({
    bytes: large,
    bit: Math.floor(i / 199 * (large.length * 8 - 1)),
  }));
  for (const { bytes, bit } of [...everyBit, ...samples]) {
    const flipped = bytes.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    const source = new FakeSource(() => ({ chunks: [flipped] }));
    const { failure } = await run(source, artifactOf(bytes), new RecordedSink());
    assertEquals(updateError(failure).code, "verification");
  }
  console.log(`${everyBit.length} bits of a small artifact, ${samples.length} of a large one`);
});
