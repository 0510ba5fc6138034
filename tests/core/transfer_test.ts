import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Artifact,
  type ArtifactBody,
  BUFFER_BYTES,
  MAX_FRUITLESS_TRIES,
  MIN_BYTES_PER_TRY,
  SourceInterrupted,
  transfer,
  UpdateError,
  type UpdateSource,
} from "../../mod/core/mod.ts";
import { pattern, RecordedReporter, RecordedSink, sha256 } from "./_recorded_sink.ts";

type Body = Omit<Partial<ArtifactBody>, "stream"> & { chunks: readonly Uint8Array[]; fail?: Error };

/** A source whose connections are what `connect` says; it counts them. */
class FakeSource implements UpdateSource {
  readonly name = "a test";
  readonly offsets: number[] = [];
  ended = 0;
  #connect: (offset: number, count: number) => Body;

  constructor(connect: (offset: number, count: number) => Body) {
    this.#connect = connect;
  }

  latest(): Promise<never> {
    throw new Error("nobody asks");
  }

  open(_: Artifact, offset: number): Promise<ArtifactBody> {
    this.offsets.push(offset);
    const { chunks, fail, ...body } = this.#connect(offset, this.offsets.length);
    const left = [...chunks];
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      type: "bytes",
      pull: (controller) => {
        if (!(controller instanceof ReadableByteStreamController)) throw new Error("no bytes");
        const chunk = left.shift();
        if (chunk) return controller.enqueue(chunk.slice());
        this.ended++;
        if (fail) return controller.error(fail);
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel: () => {
        this.ended++;
      },
    });
    return Promise.resolve({ offset, ...body, stream });
  }
}

function artifactOf(bytes: Uint8Array, size: number | undefined = bytes.length): Artifact {
  return { name: "image", sha256: sha256(bytes), size };
}

/** Chunks of the sizes, one after the other, from `at` on. */
function cut(bytes: Uint8Array, at: number, ...sizes: number[]): Uint8Array[] {
  return sizes.map((size) => bytes.subarray(at, at += size));
}

async function run(source: UpdateSource, artifact: Artifact, sink: RecordedSink, stallSeconds = 5) {
  const reporter = new RecordedReporter();
  const waits: number[] = [];
  const sleep = (milliseconds: number) => {
    waits.push(milliseconds);
    return Promise.resolve();
  };
  const failure = await transfer(source, artifact, sink, { reporter, stallSeconds, sleep })
    .then(() => undefined, (error: unknown) => error);
  return { failure, reporter, waits };
}

function updateError(failure: unknown): UpdateError {
  if (failure instanceof UpdateError) return failure;
  throw failure ?? new Error("nothing failed");
}

const SMALL = pattern(1000);

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

Deno.test("a connection that breaks is taken up where its bytes ended", async () => {
  const source = new FakeSource((offset, count) =>
    count === 1
      ? { chunks: cut(SMALL, 0, 400), fail: new Error("reset by peer") }
      : { chunks: [SMALL.subarray(offset)] }
  );
  const sink = new RecordedSink();
  const { failure, reporter, waits } = await run(source, artifactOf(SMALL), sink);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes, SMALL);
  assertEquals([source.offsets, waits], [[0, 400], [500]]);
  assert(reporter.warnings[0].includes("reset by peer after 400 bytes"), reporter.warnings[0]);
});

Deno.test("a connection that ends early is a broken one", async () => {
  const source = new FakeSource((offset, count) => ({
    chunks: count === 1 ? cut(SMALL, 0, 400) : [SMALL.subarray(offset)],
  }));
  const { failure, reporter } = await run(source, artifactOf(SMALL), new RecordedSink());
  assertEquals(failure, undefined);
  assert(reporter.warnings[0].includes("600 bytes too early"), reporter.warnings[0]);
});

Deno.test("a source that only ever interrupts is given up, with waits that double", async () => {
  const source = new FakeSource(() => {
    throw new SourceInterrupted("503 Service Unavailable");
  });
  const { failure, waits } = await run(source, artifactOf(SMALL), new RecordedSink());
  const error = updateError(failure);
  assertEquals(error.code, "source");
  assert(error.message.includes(`503 Service Unavailable, ${MAX_FRUITLESS_TRIES + 1} times`));
  assertEquals(waits, [500, 1000, 2000, 4000, 5000], "never longer than the time for stalls");
});

Deno.test("a source that refuses is not asked again", async () => {
  const gone = new UpdateError("source", { operation: "fetching", found: "404", advice: "look" });
  const source = new FakeSource(() => {
    throw gone;
  });
  const { failure, waits } = await run(source, artifactOf(SMALL), new RecordedSink());
  assert(failure === gone);
  assertEquals(waits, []);
});

Deno.test("a source that finds out on the way what is wrong is not asked again either", async () => {
  const wrong = new UpdateError("verification", { operation: "a", found: "b", advice: "c" });
  const source = new FakeSource(() => ({ chunks: cut(SMALL, 0, 100), fail: wrong }));
  const { failure, waits } = await run(source, artifactOf(SMALL), new RecordedSink());
  assert(failure === wrong);
  assertEquals(waits, []);
});

Deno.test("what has come whole does not wait for the end of the stream", async () => {
  const bytes = pattern(BUFFER_BYTES + 1_000_000);
  const source = new FakeSource(() => ({
    chunks: cut(bytes, 0, ...Array(20).fill(260_000), 20_000),
  }));
  const open = source.open.bind(source);
  // comes at once, so that the transfer wants a lot at a time, and then never ends
  source.open = async (artifact, offset) => {
    const { stream, ...body } = await open(artifact, offset);
    const reader = stream.getReader();
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      type: "bytes",
      pull: async (controller) => {
        const { value } = await reader.read();
        if (value) controller.enqueue(value);
        else await new Promise(() => {});
      },
    });
    return { ...body, stream: endless };
  };
  const sink = new RecordedSink();
  const { failure, reporter } = await run(source, artifactOf(bytes), sink, 1);
  assertEquals(failure, undefined);
  assertEquals(sink.bytes.length, bytes.length);
  assertEquals([source.offsets, reporter.warnings.length], [[0], 1]);
});

Deno.test("a line that breaks often but brings bytes is never given up", async () => {
  const bytes = pattern(MIN_BYTES_PER_TRY * 20);
  const source = new FakeSource((offset) => ({
    chunks: cut(bytes, offset, MIN_BYTES_PER_TRY),
    fail: offset + MIN_BYTES_PER_TRY < bytes.length ? new Error("reset by peer") : undefined,
  }));
  const sink = new RecordedSink();
  const { failure, waits } = await run(source, artifactOf(bytes), sink);
  assertEquals(failure, undefined);
  assertEquals(sha256(sink.bytes), sha256(bytes));
  assertEquals(new Set(waits), new Set([500]));
});

Deno.test("a line that brings next to nothing each time is given up", async () => {
  const bytes = pattern(MIN_BYTES_PER_TRY * 20);
  const source = new FakeSource((offset) => ({
    chunks: cut(bytes, offset, 1000),
    fail: new Error("reset by peer"),
  }));
  const { failure } = await run(source, artifactOf(bytes), new RecordedSink());
  assertEquals(updateError(failure).code, "source");
  assertEquals(source.offsets.length, MAX_FRUITLESS_TRIES + 1);
});

Deno.test("a source that starts over each time and never ends is given up", async () => {
  const bytes = pattern(MIN_BYTES_PER_TRY * 4);
  const source = new FakeSource(() => ({
    offset: 0,
    chunks: cut(bytes, 0, MIN_BYTES_PER_TRY * 2),
    fail: new Error("reset by peer"),
  }));
  const { failure } = await run(source, artifactOf(bytes), new RecordedSink());
  assertEquals(updateError(failure).code, "source");
});

Deno.test("a source that starts over and breaks off elsewhere each time is given up", async () => {
  const bytes = pattern(MIN_BYTES_PER_TRY * 8);
  let opened = 0;
  const source = new FakeSource(() => ({
    offset: 0,
    chunks: cut(bytes, 0, MIN_BYTES_PER_TRY * (++opened % 2 ? 5 : 2)),
    fail: new Error("reset by peer"),
  }));
  const { failure } = await run(source, artifactOf(bytes), new RecordedSink());
  assertEquals(updateError(failure).code, "source");
  assertEquals(opened, MAX_FRUITLESS_TRIES + 1);
});

Deno.test("a source without a word is given up after the time for stalls, each time", async () => {
  const stream = () => new ReadableStream<Uint8Array<ArrayBuffer>>({ type: "bytes" });
  let asked = 0;
  const source: UpdateSource = {
    name: "a test",
    latest: () => Promise.reject(new Error("nobody asks")),
    open: (_, offset) => {
      asked++;
      return Promise.resolve({ offset, stream: stream() });
    },
  };
  const { failure } = await run(source, artifactOf(SMALL), new RecordedSink(), 0.02);
  assert(updateError(failure).message.includes("no bytes for 0.02 seconds"));
  assertEquals(asked, MAX_FRUITLESS_TRIES + 1);
});

Deno.test("an empty artifact is asked for nothing", async () => {
  const empty = new Uint8Array();
  const source = new FakeSource(() => ({ chunks: [] }));
  assertEquals((await run(source, artifactOf(empty), new RecordedSink())).failure, undefined);
  assertEquals(source.offsets, []);
});

Deno.test("a defect in a source shows as it is, and is not retried", async () => {
  const source = new FakeSource(() => {
    throw new TypeError("undefined is not a function");
  });
  const options = {
    reporter: new RecordedReporter(),
    stallSeconds: 5,
    sleep: () => Promise.resolve(),
  };
  await assertRejects(
    () => transfer(source, artifactOf(SMALL), new RecordedSink(), options),
    TypeError,
  );
  assertEquals(source.offsets, [0]);
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
