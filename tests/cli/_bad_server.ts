/**
 * What servers and the network do to a file on its way.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Intercept } from "../../tasks/file_server.ts";

/** Answers one request. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers requests whose path contains `part`; all others get the files. */
export function on(part: string, answer: Answer): Intercept {
  return (request, response) => {
    if (!request.url?.includes(part)) return false;
    answer(request, response);
    return true;
  };
}

/** A status, and nothing else. */
export function status(code: number): Answer {
  return (_request, response) => void response.writeHead(code).end();
}

/** The whole, without saying how long it is. */
export function ofUnknownLength(bytes: Uint8Array): Answer {
  return (_request, response) => void response.writeHead(200).end(bytes);
}

/**
 * What was asked for, as far as `upTo`, with headers that promise the whole; `then` decides what comes
 * after that: nothing for ever, where it does nothing. It is not asked where that is all there is.
 */
export function upTo(
  bytes: Uint8Array,
  upTo: number,
  then: (response: ServerResponse) => void,
): Answer {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const length = String(bytes.length - from);
    if (request.headers.range === undefined) {
      response.writeHead(200, { "content-length": length });
    } else {
      const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { "content-length": length, "content-range": range });
    }
    response.flushHeaders();
    if (from >= upTo) return then(response);
    if (upTo >= bytes.length) return void response.end(bytes.subarray(from));
    response.write(bytes.subarray(from, upTo), () => then(response));
  };
}

/** The connection breaks in a moment; what is on its way by then is lost. */
export function cutOff(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(new Error("cut off")), 100);
  response.once("close", () => clearTimeout(timer));
}

/** A few bytes each time, for ever. */
export function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write(new Uint8Array(8)), 100);
  response.once("close", () => clearInterval(timer));
}

/** A text of 100 MB, at 12 MB a second; `sent` hears how many bytes it has come to. */
export function huge(start: string, sent: (bytes: number) => void): Answer {
  return (_request, response) => {
    const chunk = new TextEncoder().encode(" ".repeat(64 << 10));
    let total = 0;
    response.writeHead(200);
    response.write(start);
    const timer = setInterval(() => {
      response.write(chunk);
      sent(total += chunk.length);
      if (total < 100e6) return;
      clearInterval(timer);
      response.end();
    }, 5);
    response.once("close", () => clearInterval(timer));
  };
}
