/**
 * GET of the bytes as the server has them. Many servers mark a `.gz` file with
 * `Content-Encoding: gzip`, whatever was accepted, and the runtime's fetch then unpacks it, which no
 * option of it prevents. The digests are over the packed bytes, so those are fetched another way.
 *
 * @module
 */

import { once } from "node:events";
import {
  type ClientRequest,
  type IncomingMessage,
  request as requestHttp,
  type RequestOptions,
} from "node:http";
import { type Agent, request as requestHttps } from "node:https";
import { reasonOf } from "../core/mod.ts";
import { printable } from "./_address.ts";
import { type Answer, type Requests, Unavailable } from "./_get.ts";

/** Seconds that a server has to say whether it encodes; silence counts as no. */
const HEAD_SECONDS = 5;

/**
 * Whether the runtime has decoded this answer. It then takes away the length, but a length may be
 * absent for other reasons: the server is asked once more, for the headers alone.
 */
export async function wasDecoded(
  { response, url, headers }: Answer,
  { agent }: Requests,
  signal?: AbortSignal,
): Promise<boolean> {
  if (response.body === null || response.headers.has("content-length")) return false;
  const request = prepare(url, { method: "HEAD", headers: Object.fromEntries(headers) }, agent);
  // some send a body to HEAD, which is an error of theirs that comes after the answer
  request.on("error", () => {});
  const late = AbortSignal.timeout(HEAD_SECONDS * 1000);
  const answered = once(request, "response", {
    signal: signal ? AbortSignal.any([signal, late]) : late,
  });
  request.end();
  const [message] = await answered.catch(() => [undefined]) as [IncomingMessage | undefined];
  message?.on("error", () => {}).resume();
  if (!message) request.destroy();
  return (message?.headers["content-encoding"] ?? "identity") !== "identity";
}

/**
 * The answer of the same URL to the same question, undecoded. Redirects are not followed: `url` is where
 * they led.
 *
 * @throws {Unavailable} where the server does not answer, or answers differently now.
 */
export async function getUndecoded(
  url: URL,
  headers: Headers,
  wanted: number,
  { agent, headersSeconds }: Requests,
  signal?: AbortSignal,
): Promise<Answer> {
  const request = prepare(url, { headers: Object.fromEntries(headers) }, agent);
  const late = AbortSignal.timeout(headersSeconds * 1000);
  try {
    const answered = once(request, "response", {
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    request.end();
    const [message] = await answered as [IncomingMessage];
    if (message.statusCode !== wanted) {
      throw new Error(`the server answered ${message.statusCode} after ${wanted}`);
    }
    const response = new Response(bytesOf(message, signal), {
      status: wanted,
      headers: message.rawHeaders.reduce<[string, string][]>((pairs, value, i, all) => {
        if (i % 2 === 0) pairs.push([value, all[i + 1]]);
        return pairs;
      }, []),
    });
    return { response, url, headers };
  } catch (error) {
    signal?.throwIfAborted();
    if (late.aborted) {
      throw new Unavailable(`${printable(url)} did not answer within ${headersSeconds} seconds`);
    }
    throw new Unavailable(`${printable(url)} did not answer: ${reasonOf(error)}`, { cause: error });
  }
}

/** A connection of its own; `agent` knows the certificates for https. */
function prepare(url: URL, options: RequestOptions, agent?: Agent): ClientRequest {
  return url.protocol === "https:"
    ? requestHttps(url, { ...options, agent: agent ?? false })
    : requestHttp(url, { ...options, agent: false });
}

/**
 * A message's body as a byte stream that asks for more only when its reader does. One that is given up
 * keeps its connection until the process ends: destroying a message that the runtime is reading ends
 * the whole program.
 */
function bytesOf(
  message: IncomingMessage,
  signal?: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks: AsyncIterator<Uint8Array> = message[Symbol.asyncIterator]();
  // no Promise.race with a promise that outlives it: that one would keep every chunk
  let giveUp: (reason: unknown) => void = () => {};
  signal?.addEventListener("abort", () => giveUp(signal.reason), { once: true });
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      signal?.throwIfAborted();
      const { value, done } = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject;
        chunks.next().then(resolve, reject);
      });
      if (!done) return controller.enqueue(new Uint8Array(value));
      if (!message.complete) throw new Error("the connection ended too early");
      controller.close();
      controller.byobRequest?.respond(0);
    },
  };
  return new ReadableStream(source);
}
