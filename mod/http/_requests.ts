/** How requests are made, of what a caller wants. */

import type { Identified } from "./_address.ts";
import type { Requests } from "./_get.ts";
import type { HttpOptions } from "./http_options.ts";
import { HEADERS_SECONDS } from "./limits.ts";
import { agentOf } from "./tls.ts";

/** Requests of a client of `server`; {@linkcode Requests.client} is to be closed. */
export function requestsOf(
  server: Identified,
  { tls, userAgent, headersSeconds }: HttpOptions,
): Requests {
  return {
    client: tls && Deno.createHttpClient(tls),
    agent: tls && agentOf(tls),
    userAgent: userAgent ?? "kubesolo-update",
    headersSeconds: headersSeconds ?? HEADERS_SECONDS,
    server,
  };
}

/** Resolves after so many milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
