/**
 * Requests: sent again where that may help, redirects followed by hand.
 *
 * @module
 */

import {
  type Answer,
  dismiss,
  failureOf,
  mayPass,
  printable,
  retryAfterMilliseconds,
} from "./_answer.ts";
import { reasonOf } from "./_body.ts";
import type { ByteStream } from "./content.ts";
import { OrasError } from "./errors.ts";
import {
  FIRST_WAIT_MILLISECONDS,
  MAX_REDIRECTS,
  MAX_TRIES,
  MIN_UPLOAD_BYTES_PER_SECOND,
} from "./registry_limits.ts";

/** How requests are made. */
export interface Connection {
  readonly httpClient?: Deno.HttpClient;
  readonly userAgent: string;
  readonly headersSeconds: number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** One request. */
export interface Call {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Value of `Authorization`, and the only origin that may see it. */
  readonly authorization?: { readonly value: string; readonly origin: string };
  /** A stream is sent once. */
  readonly body?: Uint8Array<ArrayBuffer> | ByteStream;
  /** Bytes of a body that is a stream. */
  readonly size?: number;
  readonly signal?: AbortSignal;
  /** For messages. */
  readonly action: string;
}

// RFC 9110, 9.2.2: what may be done twice
const IDEMPOTENT = ["GET", "HEAD", "PUT", "DELETE"];
const REDIRECTS = [301, 302, 303, 307, 308];
/** What the runtime says of a handshake that will fail the next time as well. */
const DISTRUST =
  /invalid peer certificate|fatal alert: (?:\w*certificate\w*|UnknownCA|AccessDenied|HandshakeFailure)/i;
/** The server says that it has done nothing. */
const DECLINED = [429, 503];

/**
 * The answer behind all redirects, whatever it says but 408, 429 and 5xx; its body has to be read or
 * cancelled.
 *
 * @throws {OrasError} `unreachable` for no answer, 408, 429 and 5xx after {@linkcode MAX_TRIES};
 * `untrusted` for certificates that are not accepted; `protocol` for redirects that are too many, lead away from the web, or from https to http.
 */
export async function call(first: Call, connection: Connection): Promise<Answer> {
  let url = first.url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await persist({ ...first, url }, connection);
    if (!REDIRECTS.includes(response.status)) return { response, url };
    await dismiss(response);
    if (first.method !== "GET" && first.method !== "HEAD") {
      const found = `${printable(url)} redirects a ${first.method}, which registries do not`;
      throw new OrasError("protocol", first.action, found);
    }
    url = nextUrl(url, response.headers.get("location"), first.action);
  }
  const found = `more than ${MAX_REDIRECTS} redirects, the last to ${printable(url)}`;
  throw new OrasError("protocol", first.action, found);
}

/**
 * Where an answer of `from` leads.
 *
 * @throws {OrasError} `protocol` for what is no URL, has another scheme, or goes from https to http.
 */
export function nextUrl(from: URL, location: string | null, action: string): URL {
  const to = location === null ? null : URL.parse(location, from);
  const refuse = (found: string) =>
    new OrasError("protocol", action, `${printable(from)} leads to ${found}`);
  if (!to) throw refuse("no URL");
  if (to.protocol !== "https:" && to.protocol !== "http:") throw refuse(`a ${to.protocol} URL`);
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw refuse(`${printable(to)}, from https to http`);
  }
  to.username = "";
  to.password = "";
  to.hash = "";
  return to;
}

async function persist(request: Call, connection: Connection): Promise<Response> {
  const once = request.body instanceof ReadableStream;
  const again = IDEMPOTENT.includes(request.method);
  for (let tries = 1, backoff = FIRST_WAIT_MILLISECONDS;; tries++, backoff *= 2) {
    let wait = Math.min(backoff, connection.headersSeconds * 1000);
    try {
      const response = await exchange(request, connection);
      if (!mayPass(response.status)) return response;
      const failure = await failureOf({ response, url: request.url }, request.action);
      const mayRepeat = !once && (again || DECLINED.includes(response.status));
      if (tries === MAX_TRIES || !mayRepeat) throw failure;
      wait = Math.max(wait, retryAfterMilliseconds(response));
    } catch (error) {
      if (!(error instanceof NoAnswer) || once || !again || tries === MAX_TRIES) throw error;
    }
    await connection.sleep(wait, request.signal);
  }
}

/** Nothing came back. */
class NoAnswer extends OrasError {}

async function exchange(request: Call, connection: Connection): Promise<Response> {
  const { method, url, authorization, body, signal, action } = request;
  const size = body instanceof Uint8Array ? body.length : request.size ?? 0;
  signal?.throwIfAborted();
  const headers = new Headers({
    // digests are over the bytes as the registry has them
    "accept-encoding": "identity",
    "user-agent": connection.userAgent,
    ...request.headers,
  });
  if (authorization?.origin === url.origin) headers.set("authorization", authorization.value);
  const late = new AbortController();
  const seconds = connection.headersSeconds + size / MIN_UPLOAD_BYTES_PER_SECOND;
  const timer = setTimeout(() => late.abort(), seconds * 1000);
  try {
    return await fetch(url, {
      method,
      headers,
      body,
      redirect: "manual",
      client: connection.httpClient,
      signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (late.signal.aborted) {
      const found = `${printable(url)} did not answer within ${Math.ceil(seconds)} seconds`;
      throw new NoAnswer("unreachable", action, found);
    }
    const reason = reasonOf(error);
    const found = `${printable(url)} did not answer: ${reason}`;
    if (DISTRUST.test(reason)) throw new OrasError("untrusted", action, found, { cause: error });
    throw new NoAnswer("unreachable", action, found, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
