import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BUFFER_BYTES,
  MAX_FRUITLESS_TRIES,
  MIN_BYTES_PER_TRY,
  SourceInterrupted,
  transfer,
  UpdateError,
  type UpdateSource,
} from "../../mod/core/mod.ts";
import { pattern, RecordedReporter, RecordedSink, sha256 } from "./_recorded_sink.ts";
import { artifactOf, cut, FakeSource, run, SMALL, updateError } from "./_transfer.ts";

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
