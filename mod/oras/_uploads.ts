/**
 * Blobs on their way into a repository (distribution specification 1.1, "Pushing blobs").
 *
 * @module
 */

import { type Answer, dismiss } from "./_answer.ts";
import { nextUrl } from "./_http.ts";
import { type RepositoryApi, WRITE } from "./_repository_api.ts";
import { shown } from "./_shown.ts";
import { watched } from "./_watched.ts";
import type { ByteStream, Descriptor } from "./content.ts";
import { digestOf, readAll, verified } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { MAX_UPLOAD_CHUNK_BYTES, UPLOAD_CHUNK_BYTES } from "./registry_limits.ts";

const OCTETS = { "content-type": "application/octet-stream" };

/** Writes blobs. */
export class Uploads {
  readonly #api: RepositoryApi;

  constructor(api: RepositoryApi) {
    this.#api = api;
  }

  /**
   * Resolves when the blob is there. Bytes, and streams of at most {@linkcode UPLOAD_CHUNK_BYTES}, go in
   * one request that can be sent again. Longer streams go in one that cannot, as they come; in chunks
   * where the registry says how long those have to be.
   */
  async push(expected: Descriptor, content: ByteStream | Uint8Array<ArrayBuffer>): Promise<void> {
    const action = `pushing blob ${this.#api.name}@${expected.digest}`;
    if (content instanceof Uint8Array) {
      const found = digestOf(content);
      if (found !== expected.digest || content.length !== expected.size) {
        throw new OrasError("content", action, `${content.length} bytes of ${found}`);
      }
      return await this.#whole(expected, content, action);
    }
    if (expected.size > UPLOAD_CHUNK_BYTES) return await this.#long(expected, content, action);
    await this.#whole(expected, await readAll(expected, content, UPLOAD_CHUNK_BYTES), action);
  }

  /** Whether the registry took the blob over from its repository `from`. */
  async mount(from: string, { digest }: Descriptor): Promise<boolean> {
    const action = `mounting blob ${this.#api.name}@${digest} from ${from}`;
    const query = new URLSearchParams({ mount: digest, from });
    const answer = await this.#api.send({
      method: "POST",
      at: `blobs/uploads/?${query}`,
      actions: WRITE,
      from,
      wanted: [201, 202],
      action,
    });
    await dismiss(answer.response);
    if (answer.response.status === 201) return true;
    await this.#drop(locationOf(answer, action), action);
    return false;
  }

  async #whole({ digest }: Descriptor, bytes: Uint8Array<ArrayBuffer>, action: string) {
    const { location } = await this.#start(action);
    await this.#finish(location, digest, bytes, action);
  }

  async #long(expected: Descriptor, content: ByteStream, action: string) {
    const { location, least } = await this.#start(action).catch(async (error) => {
      await content.cancel().catch(() => {});
      throw error;
    });
    const stream = verified(expected, content);
    let at = location;
    try {
      if (least === undefined) at = await this.#stream(at, stream, expected.size, action);
      else {
        let sent = 0;
        for await (const chunk of chunksOf(stream, Math.max(least, UPLOAD_CHUNK_BYTES))) {
          at = await this.#patch(at, sent, chunk, action);
          sent += chunk.length;
        }
      }
      await this.#finish(at, expected.digest, new Uint8Array(), action);
    } catch (error) {
      await this.#drop(at, action);
      throw error;
    }
  }

  async #start(action: string): Promise<{ location: URL; least?: number }> {
    const at = "blobs/uploads/";
    const wanted = [202];
    const answer = await this.#api.send({ method: "POST", at, actions: WRITE, wanted, action });
    await dismiss(answer.response);
    const least = Number(answer.response.headers.get("oci-chunk-min-length")) || undefined;
    if (least !== undefined && least > MAX_UPLOAD_CHUNK_BYTES) {
      const found = `chunks of ${least} bytes are wanted, more than ${MAX_UPLOAD_CHUNK_BYTES}`;
      throw new OrasError("protocol", action, found);
    }
    return { location: locationOf(answer, action), least };
  }

  /** Sends all of it with one request, as `docker push` does. */
  async #stream(at: URL, stream: ByteStream, size: number, action: string): Promise<URL> {
    let broken: { readonly error: unknown } | undefined;
    const body = watched(stream, { fail: (error) => broken = { error } });
    const request = { method: "PATCH", at, actions: WRITE, headers: OCTETS, body, size } as const;
    try {
      return await kept(await this.#api.send({ ...request, wanted: [202], action }), size, action);
    } catch (error) {
      // that the content was wrong explains why the request was broken off
      throw broken ? broken.error : error;
    }
  }

  async #patch(at: URL, sent: number, chunk: Uint8Array<ArrayBuffer>, action: string) {
    const last = sent + chunk.length - 1;
    const answer = await this.#api.send({
      method: "PATCH",
      at,
      actions: WRITE,
      headers: { ...OCTETS, "content-range": `${sent}-${last}` },
      body: chunk,
      wanted: [202],
      action,
    });
    return await kept(answer, sent + chunk.length, action);
  }

  async #finish(location: URL, digest: string, body: Uint8Array<ArrayBuffer>, action: string) {
    const at = new URL(location);
    // the rest of the query is the registry's own, and stays as it is to the letter
    at.search += `${at.search ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
    const answer = await this.#api.send({
      method: "PUT",
      at,
      actions: WRITE,
      headers: OCTETS,
      body,
      wanted: [201],
      action,
    });
    await dismiss(answer.response);
  }

  /** A session that is left is ended by the registry some day; the failure is another one. */
  async #drop(at: URL, action: string): Promise<void> {
    const wanted = [204, 404];
    try {
      const answer = await this.#api.send({ method: "DELETE", at, actions: WRITE, wanted, action });
      await dismiss(answer.response);
    } catch {
      // nothing depends on it
    }
  }
}

/** Where the upload goes on, once the registry has all of the first `size` bytes. */
async function kept(answer: Answer, size: number, action: string): Promise<URL> {
  await dismiss(answer.response);
  const range = answer.response.headers.get("range");
  if (range !== null && range.replace(/^bytes=/, "") !== `0-${size - 1}`) {
    throw new OrasError("protocol", action, `bytes ${shown(range)} are kept of 0-${size - 1}`);
  }
  return locationOf(answer, action);
}

function locationOf({ response, url }: Answer, action: string): URL {
  return nextUrl(url, response.headers.get("location"), action);
}

/** The stream in parts of `size` bytes, the last of which may be shorter. */
async function* chunksOf(stream: ByteStream, size: number) {
  let chunk = new Uint8Array(size);
  let length = 0;
  for await (let part of stream) {
    while (part.length > 0) {
      const taken = part.subarray(0, size - length);
      chunk.set(taken, length);
      length += taken.length;
      part = part.subarray(taken.length);
      if (length < size) continue;
      yield chunk;
      chunk = new Uint8Array(size);
      length = 0;
    }
  }
  if (length > 0) yield chunk.subarray(0, length);
}
