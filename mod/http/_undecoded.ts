/**
 * GET of the bytes as the server has them. Many servers mark a `.gz` file with
 * `Content-Encoding: gzip`, whatever was accepted, and the runtime's fetch then unpacks it, which no
 * option of it prevents. The digests are over the packed bytes, so those are fetched another way.
 *
 * @module
 */

import { once } from "node:events";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { reasonOf } from "../core/mod.ts";
import { printable } from "./_address.ts";
import { type Answer, Unavailable } from "./_get.ts";

/**
 * Whether the runtime may have decoded this answer: it then takes away the length, which servers of
 * files always give.
 */
export function mayBeDecoded({ response }: Answer): boolean {
  return response.body !== null && !response.headers.has("content-length");
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
  seconds: number,
  signal?: AbortSignal,
): Promise<Answer> {
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  const request = send(url, { headers: Object.fromEntries(headers) });
  const late = AbortSignal.timeout(seconds * 1000);
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
      throw new Unavailable(`${printable(url)} did not answer within ${seconds} seconds`);
    }
    throw new Unavailable(`${printable(url)} did not answer: ${reasonOf(error)}`, { cause: error });
  }
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
  const givenUp = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  givenUp.catch(() => {});
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      signal?.throwIfAborted();
      const { value, done } = await Promise.race([chunks.next(), givenUp]);
      if (!done) return controller.enqueue(new Uint8Array(value));
      if (!message.complete) throw new Error("the connection ended too early");
      controller.close();
      controller.byobRequest?.respond(0);
    },
  };
  return new ReadableStream(source);
}
