/**
 * What other rooms ask of web servers: answers to a document that is posted, and files at addresses that
 * such an answer has named.
 *
 * @module
 */

import { type ArtifactBody, reasonOf, UpdateError } from "../core/mod.ts";
import { type Identified, identify, isWeb, printable } from "./_address.ts";
import { openArtifact } from "./_artifact.ts";
import {
  exchange,
  type Requests,
  retryAfterMilliseconds,
  Unavailable,
  waitingAsTold,
} from "./_get.ts";
import { readUpTo } from "./_metadata.ts";
import { requestsOf, sleep } from "./_requests.ts";
import { Validators } from "./_validators.ts";
import type { HttpOptions } from "./http_options.ts";

/** The answer to a document. */
export interface PostAnswer {
  /** Of HTTP: any, redirects as well, which are not followed. */
  readonly status: number;
  /** Its body; undefined where it is longer than was allowed. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** Milliseconds that the server wants to be left alone for, bounded; 0 where it did not say. */
  readonly retryAfter: number;
}

/** What a posted document and its answer may be. */
export interface PostTerms {
  /** `Content-Type` of the document. */
  readonly contentType: string;
  /** Most bytes of the answer. */
  readonly limit: number;
  /** Seconds until all of the answer must have come. */
  readonly seconds: number;
}

/**
 * A client of one server, and of those that it names. User and password in the server's URL go to that
 * server alone, and are never shown.
 */
export class WebClient implements Disposable {
  /** The server's address, as it may be shown. */
  readonly name: string;
  readonly #server: Identified;
  readonly #requests: Requests;
  readonly #sleep: (milliseconds: number) => Promise<void>;
  readonly #validators = new Validators();

  /**
   * Asks nothing yet.
   * @throws {UpdateError} `usage` where `server` is no http or https URL.
   */
  constructor(server: URL, options: Omit<HttpOptions, "trust" | "metadataSeconds"> = {}) {
    if (!isWeb(server)) {
      throw new UpdateError("usage", {
        operation: "reading a server's address",
        found: `the scheme ${server.protocol}`,
        advice: "write it as http://host/path or https://host/path",
      });
    }
    this.#server = identify(server);
    this.name = printable(this.#server.url);
    this.#requests = requestsOf(this.#server, options);
    this.#sleep = options.sleep ?? sleep;
  }

  /**
   * The server's answer to `document`; asked once.
   *
   * @throws {SourceInterrupted} where none comes, or not all of it in time.
   * @throws {UpdateError} `source` where the handshake fails for good.
   */
  async post(document: string, terms: PostTerms, signal?: AbortSignal): Promise<PostAnswer> {
    const { url, authorization } = this.#server;
    const headers = new Headers({
      "content-type": terms.contentType,
      "user-agent": this.#requests.userAgent,
      ...authorization && { authorization },
    });
    const late = AbortSignal.timeout(terms.seconds * 1000);
    const either = signal ? AbortSignal.any([signal, late]) : late;
    try {
      const response = await exchange(url, headers, this.#requests, either, document);
      const retryAfter = retryAfterMilliseconds(response.headers.get("retry-after"));
      return { status: response.status, bytes: await readUpTo(response, terms.limit), retryAfter };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof UpdateError || error instanceof Unavailable) throw error;
      const found = late.aborted
        ? `no whole answer within ${terms.seconds} seconds`
        : reasonOf(error);
      throw new Unavailable(`${this.name}: ${found}`, { cause: error });
    }
  }

  /**
   * The bytes of a file, from `offset` on where its server can do that and still has the same file, else
   * from 0. Redirects are followed, but not from https to http.
   *
   * @throws {SourceInterrupted} for no answer, 408, 429 and 5xx; after the time that the server asked for.
   * @throws {UpdateError} `source` for any other refusal.
   */
  async open(url: URL, offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    return await waitingAsTold(
      () => openArtifact(url, offset, this.#requests, this.#validators, signal),
      this.#sleep,
    );
  }

  /** Ends the connections that it keeps for certificates of its own. */
  [Symbol.dispose](): void {
    this.#requests.client?.close();
  }
}
