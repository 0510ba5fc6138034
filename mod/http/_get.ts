/**
 * One GET: redirects followed by hand, every failure told apart by whether asking again may help.
 *
 * @module
 */

import type { Agent } from "node:https";
import {
  adviceOnHandshake,
  type ErrorParts,
  failsForGood,
  oneLine,
  requestReasonOf,
  SourceInterrupted,
  UpdateError,
} from "../core/mod.ts";
import { type Identified, identify, isWeb, maySpeakFreely, printable } from "./_address.ts";
import { MAX_REDIRECTS, MAX_RETRY_AFTER_SECONDS } from "./limits.ts";

/** How requests are made. */
export interface Requests {
  /** Certificates other than the usual, for fetch and for node:https. */
  readonly client?: Deno.HttpClient;
  readonly agent?: Agent;
  readonly userAgent: string;
  readonly headersSeconds: number;
  /** The server that the operator named: its user and password go to it alone. */
  readonly server: Identified;
}

/** An answer of 2xx or 416, and the URL that gave it. */
export interface Answer {
  readonly response: Response;
  readonly url: URL;
  /** What it was asked with. */
  readonly headers: Headers;
}

/** A failure that may pass. */
export class Unavailable extends SourceInterrupted {
  /** The server's `Retry-After` in milliseconds, bounded; 0 where it gave none. */
  readonly retryAfter: number;

  constructor(message: string, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(oneLine(message), { cause: options.cause });
    this.retryAfter = options.retryAfter ?? 0;
  }
}

/** An answer of a server that has not what was asked for, or does not give it. */
export class Declined extends UpdateError {
  /** The status of the answer. */
  readonly status: number;

  /** An error with that status. */
  constructor(status: number, parts: ErrorParts) {
    super("source", parts);
    this.status = status;
  }
}

/** Milliseconds that the server wants to be left alone for; 0 where it did not say. */
export function retryAfter(error: unknown): number {
  return error instanceof Unavailable ? error.retryAfter : 0;
}

/** What `ask` gives; where it fails, that failure, after the time that the server wants to be left alone for. */
export async function waitingAsTold<T>(
  ask: () => Promise<T>,
  sleep: (milliseconds: number) => Promise<void>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const wait = retryAfter(error);
    if (wait > 0) await sleep(wait);
    throw error;
  }
}

const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Resolves with the headers of the answer behind all redirects; its body has to be read or cancelled.
 * `headersFor` gives what a URL is asked besides the usual.
 *
 * @throws {Unavailable} for no answer, 408, 429 and 5xx.
 * @throws {UpdateError} `source` for any other answer but 2xx and 416, for a handshake that fails for
 * good, and for redirects that are too many, lead away from the web, or from https to http.
 */
export async function get(
  start: URL,
  requests: Requests,
  headersFor: (url: URL) => Record<string, string>,
  signal?: AbortSignal,
): Promise<Answer> {
  let next = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const { url, authorization = ownAuthorization(requests.server, next) } = identify(next);
    const headers = new Headers({
      // the digests are over the bytes as published
      "accept-encoding": "identity",
      "user-agent": requests.userAgent,
      ...headersFor(url),
    });
    if (authorization) headers.set("authorization", authorization);
    const response = await exchange(url, headers, requests, signal);
    if (response.ok || response.status === 416) return { response, url, headers };
    await response.body?.cancel().catch(() => {});
    if (!REDIRECTS.includes(response.status)) throw statusError(response, url);
    next = redirected(url, response.headers.get("location"));
  }
  throw new UpdateError("source", {
    operation: `fetching ${printable(start)}`,
    found: `more than ${MAX_REDIRECTS} redirects, the last to ${printable(next)}`,
    advice: "see where the server sends its clients",
  });
}

function ownAuthorization(server: Identified, url: URL): string | undefined {
  return maySpeakFreely(server.url, url) ? server.authorization : undefined;
}

/**
 * One request, GET unless `body` is to be posted, and the headers of its answer, whatever its status.
 *
 * @throws {Unavailable} for no answer.
 * @throws {UpdateError} `source` for a handshake that fails for good.
 */
export async function exchange(
  url: URL,
  headers: Headers,
  requests: Requests,
  signal?: AbortSignal,
  body?: string,
): Promise<Response> {
  signal?.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), requests.headersSeconds * 1000);
  try {
    return await fetch(url, {
      ...body !== undefined && { method: "POST", body },
      headers,
      redirect: "manual",
      client: requests.client,
      signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (late.signal.aborted) {
      throw new Unavailable(
        `${printable(url)} did not answer within ${requests.headersSeconds} seconds`,
      );
    }
    // the runtime's message repeats the URL, with what may be secret in its query
    const reason = requestReasonOf(error);
    if (failsForGood(reason)) throw untrusted(url, reason);
    throw new Unavailable(`${printable(url)} did not answer: ${reason}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function redirected(from: URL, location: string | null): URL {
  const to = location === null ? null : URL.parse(location, from);
  const refuse = (found: string) =>
    new UpdateError("source", {
      operation: `fetching ${printable(from)}`,
      found,
      advice: "see where the server sends its clients",
    });
  if (!to) throw refuse(location === null ? "a redirect to nowhere" : "a redirect to no URL");
  if (!isWeb(to)) throw refuse(`a redirect to ${to.protocol}, which is neither http nor https`);
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw refuse(`a redirect from https to http, to ${printable(to)}`);
  }
  return to;
}

function statusError(response: Response, url: URL): Error {
  const { status } = response;
  const found = `the server answered ${`${status} ${response.statusText}`.trim()}`;
  if (status === 408 || status === 429 || status >= 500) {
    const retryAfter = retryAfterMilliseconds(response.headers.get("retry-after"));
    return new Unavailable(`${printable(url)}: ${found}`, { retryAfter });
  }
  const advice = adviceOn(status, url);
  return new Declined(status, { operation: `fetching ${printable(url)}`, found, advice });
}

function untrusted(url: URL, found: string): UpdateError {
  const operation = `fetching ${printable(url)}`;
  return new UpdateError("source", { operation, found, advice: adviceOnHandshake(found) ?? "" });
}

function adviceOn(status: number, { protocol }: URL): string {
  if (status === 401 || status === 403) {
    return "give user and password in the server's URL, or see what it lets in";
  }
  // what nginx says to who presents no certificate, or one that it does not take
  if (status === 400 && protocol === "https:") {
    return "see whether the server wants a certificate: --client-cert and --client-key";
  }
  return "see that the server's address is right and the release is published there";
}

/** `Retry-After` as seconds or as a date (RFC 9110, 10.2.3), bounded; 0 where there is none. */
export function retryAfterMilliseconds(value: string | null): number {
  if (value === null) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.min(Math.max(wait || 0, 0), MAX_RETRY_AFTER_SECONDS * 1000);
}
