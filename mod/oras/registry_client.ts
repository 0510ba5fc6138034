/**
 * Requests to registries, with what they want to be told about who asks.
 *
 * @module
 */

import { type Answer, dismiss, failureOf } from "./_answer.ts";
import { type Applicant, Authorizations } from "./_authorizations.ts";
import { call, type Connection } from "./_http.ts";
import type { ByteStream } from "./content.ts";
import type { CredentialFinder } from "./credentials.ts";
import { HEADERS_SECONDS } from "./registry_limits.ts";

/** How registries are asked. */
export interface RegistryClientOptions {
  /** What to tell them; nothing where absent. */
  readonly credentials?: CredentialFinder;
  /** Ask over http instead of https. */
  readonly plainHttp?: boolean;
  /**
   * A private certificate authority, a client certificate, a proxy. With or without it, the runtime
   * honours `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` by itself.
   */
  readonly httpClient?: Deno.HttpClient;
  /** Value of `User-Agent`. */
  readonly userAgent?: string;
  /**
   * Seconds until the headers of an answer must have come, {@linkcode HEADERS_SECONDS} where absent; no
   * wait between two tries is longer, unless the registry asks for it.
   */
  readonly headersSeconds?: number;
  /** Waits between tries, and ends early with the signal's reason. */
  readonly sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** What is asked of a repository. */
export interface RegistryRequest {
  /** Host, and port where it is not the usual. */
  readonly registry: string;
  /** Whose API is asked, and which credentials are used. */
  readonly repository: string;
  /** Method of HTTP. */
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query below the repository, such as `tags/list`; or a URL that the registry gave. */
  readonly at: string | URL;
  /** Actions that a token has to allow: `pull`, `push`, `delete`. */
  readonly actions: readonly string[];
  /** Another repository of which a token has to allow `pull`. */
  readonly from?: string;
  /** Headers besides the usual. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent. A stream goes once: no second try, neither for a new token nor for a busy registry. */
  readonly body?: Uint8Array<ArrayBuffer> | ByteStream;
  /** Bytes of the body, where it is a stream. */
  readonly size?: number;
  /** Statuses that are an answer; all others are failures. */
  readonly wanted: readonly number[];
  /** For messages. */
  readonly action: string;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** What a registry answered. */
export interface RegistryAnswer {
  /** Its body has to be read or cancelled. */
  readonly response: Response;
  /** Who gave it, behind all redirects. */
  readonly url: URL;
}

/** Asks registries, and remembers what they want to be told. */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #connection: Connection;
  readonly #authorizations: Authorizations;

  /** Nothing is sent yet. */
  constructor(options: RegistryClientOptions = {}) {
    this.#options = options;
    this.#connection = {
      httpClient: options.httpClient,
      userAgent: options.userAgent ?? "oras-deno",
      headersSeconds: options.headersSeconds ?? HEADERS_SECONDS,
      sleep: options.sleep ?? pause,
    };
    this.#authorizations = new Authorizations(options.credentials, this.#connection);
  }

  /**
   * The answer, whose status is one of those that are wanted. A registry that answers 401 is asked once
   * more, with credentials or a token where it says how; tokens are kept for what follows until they
   * expire. `Authorization` goes to the registry's own origin alone.
   *
   * @throws {OrasError} `refused`, `missing`, `unreachable`, `untrusted` or `protocol`, with what the registry says.
   */
  async send(request: RegistryRequest): Promise<RegistryAnswer> {
    const scheme = this.#options.plainHttp ? "http" : "https";
    const base = new URL(`${scheme}://${hostOf(request.registry)}/v2/${request.repository}/`);
    const url = typeof request.at === "string" ? new URL(request.at, base) : request.at;
    const { method, headers = {}, body, size, signal, action } = request;
    const ask = (value?: string) =>
      call({
        method,
        url,
        headers,
        body,
        size,
        signal,
        action,
        authorization: value ? { value, origin: base.origin } : undefined,
      }, this.#connection);
    const applicant = { ...request, base };
    const used = this.#authorizations.known(applicant);
    let answer = await ask(used);
    const again = !(body instanceof ReadableStream) && answer.url.origin === base.origin;
    if (answer.response.status === 401 && again) {
      const value = await this.#renew(answer, applicant, used);
      if (value !== undefined) {
        await dismiss(answer.response);
        answer = await ask(value);
        if (answer.response.status === 401) this.#authorizations.forget(applicant, value);
      }
    }
    if (request.wanted.includes(answer.response.status)) return answer;
    throw await failureOf(answer, action);
  }

  async #renew({ response }: Answer, applicant: Applicant, used?: string) {
    try {
      const header = response.headers.get("www-authenticate");
      return await this.#authorizations.renew(applicant, header, used);
    } catch (error) {
      await dismiss(response);
      throw error;
    }
  }
}

/** Docker Hub's API has a host of its own. */
function hostOf(registry: string): string {
  return registry === "docker.io" ? "registry-1.docker.io" : registry;
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
