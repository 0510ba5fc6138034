import {
  type Artifact,
  type ArtifactBody,
  transfer,
  UpdateError,
  type UpdateSource,
} from "../../mod/core/mod.ts";
import { pattern, RecordedReporter, type RecordedSink, sha256 } from "./_recorded_sink.ts";

type Body = Omit<Partial<ArtifactBody>, "stream"> & {
  chunks: readonly Uint8Array[];
  fail?: Error;
};

/** A source whose connections are what `connect` says; it counts them. */
export class FakeSource implements UpdateSource {
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

/** The artifact that these bytes are. */
export function artifactOf(bytes: Uint8Array, size: number | undefined = bytes.length): Artifact {
  return { name: "image", sha256: sha256(bytes), size };
}

/** Chunks of the sizes, one after the other, from `at` on. */
export function cut(bytes: Uint8Array, at: number, ...sizes: number[]): Uint8Array[] {
  return sizes.map((size) => bytes.subarray(at, at += size));
}

/** A whole transfer, without waiting: how it failed, what was reported, what was waited for. */
export async function run(
  source: UpdateSource,
  artifact: Artifact,
  sink: RecordedSink,
  stallSeconds = 5,
) {
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

/** The failure, where it is one that the agent understands. */
export function updateError(failure: unknown): UpdateError {
  if (failure instanceof UpdateError) return failure;
  throw failure ?? new Error("nothing failed");
}

/** An artifact that a chunk holds. */
export const SMALL = pattern(1000);
