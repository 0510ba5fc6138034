/**
 * Blobs of a repository (distribution specification 1.1, "Pulling blobs", "Deleting blobs").
 *
 * @module
 */

import { type Answer, contentLength, dismiss, refuseWebPage } from "./_answer.ts";
import { guarded } from "./_body.ts";
import { streamOf } from "./_bytes.ts";
import { DELETE, READ, type RepositoryApi } from "./_repository_api.ts";
import type { ByteStream, Descriptor, FetchOptions } from "./content.ts";
import { isDigest } from "./digest.ts";
import { OrasError } from "./errors.ts";

/** Reads and deletes blobs. */
export class Blobs {
  readonly #api: RepositoryApi;

  constructor(api: RepositoryApi) {
    this.#api = api;
  }

  /** The bytes of `target` from `offset` on. */
  async fetch(
    target: Descriptor,
    { offset = 0, signal }: FetchOptions = {},
  ): Promise<ByteStream> {
    const action = this.#action("fetching", target.digest);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > target.size) {
      throw new OrasError("content", action, `byte ${offset} of ${target.size} bytes`);
    }
    // no range has no bytes (RFC 9110, 14.1.2)
    const nothing = offset > 0 && offset === target.size;
    if (nothing && await this.exists(target)) return streamOf(new Uint8Array());
    const answer = await this.#api.send({
      method: "GET",
      at: `blobs/${target.digest}`,
      actions: READ,
      headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
      wanted: offset > 0 ? [200, 206] : [200],
      action,
      signal,
    });
    const { response } = answer;
    try {
      const first = await checkedStart(answer, target, offset, action);
      const stream = guarded(response.body, action, signal);
      return first === offset ? stream : without(offset - first, stream);
    } catch (error) {
      await dismiss(response);
      throw error;
    }
  }

  /** Whether there is such a blob. */
  async exists(target: Descriptor): Promise<boolean> {
    const action = this.#action("looking for", target.digest);
    const at = `blobs/${target.digest}`;
    const wanted = [200, 404];
    const answer = await this.#api.send({ method: "HEAD", at, actions: READ, wanted, action });
    await dismiss(answer.response);
    if (answer.response.status === 404) return false;
    await refuseWebPage(answer);
    return (contentLength(answer.response) ?? target.size) === target.size;
  }

  /** Resolves when there is no such blob in the repository any more. */
  async delete(digest: string): Promise<void> {
    const action = this.#action("deleting", digest);
    const at = `blobs/${digest}`;
    const wanted = [202];
    const answer = await this.#api.send({ method: "DELETE", at, actions: DELETE, wanted, action });
    await dismiss(answer.response);
  }

  #action(verb: string, digest: string): string {
    if (isDigest(digest)) return `${verb} blob ${this.#api.name}@${digest}`;
    const action = `${verb} a blob of ${this.#api.name}`;
    throw new OrasError("reference", action, "wanted a sha256 digest");
  }
}

/** Where the answer's bytes begin: at `offset`, or at 0 where the server knows no ranges. */
async function checkedStart(
  answer: Answer,
  { size }: Descriptor,
  offset: number,
  action: string,
): Promise<number> {
  const { response } = answer;
  const first = response.status === 206 ? offset : 0;
  const length = contentLength(response);
  // an answer that does not say, as those in chunks, is counted by who reads it
  if (length !== size - first) await refuseWebPage(answer);
  if (length !== undefined && length !== size - first) {
    throw new OrasError("content", action, `${length} bytes instead of ${size - first}`);
  }
  if (response.status === 206) {
    const range = response.headers.get("content-range") ?? "";
    const last = size - 1;
    if (range !== `bytes ${first}-${last}/${size}` && range !== `bytes ${first}-${last}/*`) {
      throw new OrasError("protocol", action, `another part than bytes ${first} to ${last}`);
    }
  }
  return first;
}

/** The same bytes without the first `count`. */
function without(count: number, stream: ByteStream): ByteStream {
  const reader = stream.getReader();
  let left = count;
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      while (true) {
        const { value, done } = await reader.read();
        if (done) {
          controller.close();
          controller.byobRequest?.respond(0);
          return;
        }
        const part = value.subarray(Math.min(left, value.length));
        left -= value.length - part.length;
        if (part.length > 0) return controller.enqueue(part);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  };
  return new ReadableStream(source);
}
