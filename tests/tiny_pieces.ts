/** What a runtime reads into at once. */
const ROOM = 64 << 10;

/** A body that comes byte by byte, and what memory it took until its end. */
export interface TinyPieces {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Most bytes outside of the heap, beyond those at the beginning. */
  readonly peak: () => number;
}

/** So many blanks, each of which lies in memory of its own that has room for many, as from a connection. */
export function tinyPieces(count: number): TinyPieces {
  const before = Deno.memoryUsage().external;
  let [left, peak] = [count, 0];
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (left-- === 0) return controller.close();
      controller.enqueue(new Uint8Array(ROOM).fill(32).subarray(0, 1));
      if (left % 100 === 0) peak = Math.max(peak, Deno.memoryUsage().external - before);
    },
  }, { highWaterMark: 0 });
  return { stream, peak: () => peak };
}
