/**
 * One repository's part of a registry's API (distribution specification 1.1, "Endpoints").
 *
 * @module
 */

import { type Answer, dismiss, printable, refuseWebPage } from "./_answer.ts";
import { guarded, readUpTo } from "./_body.ts";
import { nextUrl } from "./_http.ts";
import { OrasError } from "./errors.ts";
import { isRegistry, isRepository, type Reference } from "./reference.ts";
import type { RegistryClient, RegistryRequest } from "./registry_client.ts";
import { MAX_PAGE_BYTES, MAX_PAGES } from "./registry_limits.ts";

/** Actions of a token that reads. */
export const READ = ["pull"];
/** Actions of a token that writes. */
export const WRITE = ["pull", "push"];
/** Actions of a token that deletes. */
export const DELETE = ["delete"];

/** A request, without whom it goes to. */
export type ApiRequest = Omit<RegistryRequest, "registry" | "repository">;

/** One page of a list. */
export interface Page {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly response: Response;
}

/** Sends what is asked of one repository. */
export class RepositoryApi {
  /** Registry and repository. */
  readonly name: string;
  /** The repository alone. */
  readonly repository: string;
  readonly #registry: string;
  readonly #client: RegistryClient;

  constructor({ registry, repository }: Reference, client: RegistryClient) {
    if (!isRegistry(registry) || !isRepository(repository)) {
      throw new OrasError("reference", "opening a repository", "no name of one");
    }
    this.name = `${registry}/${repository}`;
    this.repository = repository;
    this.#registry = registry;
    this.#client = client;
  }

  /** As {@linkcode RegistryClient.send}. */
  async send(request: ApiRequest): Promise<Answer> {
    const { repository } = this;
    return await this.#client.send({ ...request, registry: this.#registry, repository });
  }

  /**
   * All pages of a list, from the one at `first` on; none where there is a status of `otherwise`.
   *
   * @throws {OrasError} `protocol` where there are more than {@linkcode MAX_PAGES}, one has more than
   * {@linkcode MAX_PAGE_BYTES}, or the next is on another server.
   */
  async *pages(first: string, action: string, otherwise: readonly number[] = []) {
    let at: string | URL = first;
    for (let count = 0; count < MAX_PAGES; count++) {
      const wanted = [200, ...otherwise];
      const answer = await this.send({ method: "GET", at, actions: READ, wanted, action });
      const { response, url } = answer;
      if (response.status !== 200) return void await dismiss(response);
      await refuseWebPage(answer);
      const bytes = await readUpTo(guarded(response.body, action), MAX_PAGE_BYTES);
      if (!bytes) {
        throw new OrasError("protocol", action, `a page of more than ${MAX_PAGE_BYTES} bytes`);
      }
      yield { bytes, response } satisfies Page;
      const next = nextLink(response);
      if (next === undefined) return;
      at = nextUrl(url, next, action);
      if (at.origin !== url.origin) {
        const found = `${printable(url)} goes on at another server, ${printable(at)}`;
        throw new OrasError("protocol", action, found);
      }
    }
    throw new OrasError("protocol", action, `more than ${MAX_PAGES} pages`);
  }
}

/** Where the next page is (RFC 8288, 3). */
function nextLink(response: Response): string | undefined {
  const links = response.headers.get("link")?.matchAll(/<([^<>]*)>([^<>]*)/g) ?? [];
  for (const [, target, parameters] of links) {
    if (/;\s*rel\s*=\s*(?:next\b|"(?:[^"]*\s)?next(?:\s[^"]*)?")/i.test(parameters)) return target;
  }
  return undefined;
}
