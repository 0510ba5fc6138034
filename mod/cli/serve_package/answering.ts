/**
 * Requests, answered and told of.
 *
 * @module
 */

import { oneLine, reasonOf, shortened } from "../../core/mod.ts";
import type { RequestHandler } from "../serve_until_told.ts";
import { watched } from "./watched.ts";

/** Most characters of what is said about one request. */
export const MAX_LINE = 200;

/** What is said about a client, in one line. */
export function lineOf(client: string, words: string): string {
  return shortened(oneLine(`${client} ${words}`), MAX_LINE);
}

/**
 * Answers as `handle` does; where that fails, with `apology`. `say` hears how far long answers are, and
 * why a client gets nothing.
 */
export function answering(
  handle: (request: Request, client: string) => Promise<Response>,
  apology: string,
  say: (client: string, words: string) => void,
): RequestHandler {
  return async (request, { remoteAddr: { hostname, port } }) => {
    const transfer = (words: string) => say(`${hostname}:${port}`, words);
    try {
      return watched(await handle(request, hostname), request.signal, transfer);
    } catch (error) {
      transfer(`gets nothing: ${reasonOf(error)}`);
      return new Response(`${apology}\n`, { status: 500 });
    }
  };
}
