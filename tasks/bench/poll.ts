/**
 * Nodes that ask a server, each over a connection of its own.
 *
 * @module
 */

/** How the asking went. */
export interface Polling {
  /** Answers in a second. */
  readonly perSecond: number;
  /** Milliseconds from the connection to the last byte: half of the answers came sooner. */
  readonly median: number;
  /** The same of 99 in 100. */
  readonly p99: number;
}

/** What is asked, and how. */
export interface PollOptions {
  readonly port: number;
  readonly requests: number;
  /** Connections at the same time. */
  readonly parallel: number;
  /** The n-th request. */
  request(n: number): Uint8Array;
  /** Whether an answer is one: those that are not end the benchmark. */
  isGood(answer: string): boolean;
}

const HEAD_END = "\r\n\r\n";

/** Resolves when all have been answered. */
export async function poll(options: PollOptions): Promise<Polling> {
  const { requests, parallel, port, request, isGood } = options;
  const times = new Float64Array(requests);
  let next = 0;
  const began = performance.now();
  await Promise.all(Array.from({ length: parallel }, async () => {
    while (next < requests) {
      const n = next++;
      const bytes = request(n);
      const start = performance.now();
      const answer = await ask(port, bytes);
      times[n] = performance.now() - start;
      if (!isGood(answer)) throw new Error(`request ${n}: ${answer.slice(0, 300)}`);
    }
  }));
  const seconds = (performance.now() - began) / 1000;
  times.sort();
  return {
    perSecond: requests / seconds,
    median: times[requests >> 1],
    p99: times[Math.floor(requests * 0.99)],
  };
}

/** The whole answer to one request. */
export async function ask(port: number, request: Uint8Array): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  for (let at = 0; at < request.length;) at += await connection.write(request.subarray(at));
  const buffer = new Uint8Array(16 << 10);
  const decoder = new TextDecoder("latin1");
  let text = "";
  while (true) {
    const read = await connection.read(buffer);
    if (read === null) return text;
    text += decoder.decode(buffer.subarray(0, read));
    const head = text.indexOf(HEAD_END);
    const length = /^content-length: (\d+)\r$/im.exec(text.slice(0, Math.max(0, head + 1)))?.[1];
    if (length !== undefined && text.length >= head + HEAD_END.length + Number(length)) return text;
  }
}
