/**
 * Manifests of a repository (distribution specification 1.1, "Pulling manifests", "Pushing manifests").
 *
 * @module
 */

import { type Answer, contentLength, dismiss, mediaTypeOf, refuseWebPage } from "./_answer.ts";
import { guarded, readUpTo } from "./_body.ts";
import { DELETE, READ, type RepositoryApi, WRITE } from "./_repository_api.ts";
import { shown } from "./_shown.ts";
import type { Descriptor } from "./content.ts";
import { digestOf, isDigest } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";
import { isManifestType, MANIFEST_TYPES } from "./media_types.ts";
import { isTag } from "./reference.ts";

/** A manifest that is what its descriptor says. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads and writes manifests. */
export class Manifests {
  readonly #api: RepositoryApi;

  constructor(api: RepositoryApi) {
    this.#api = api;
  }

  /** What a tag or a digest names; asked for by GET where the answer to HEAD does not tell. */
  async resolve(reference: string): Promise<Descriptor> {
    const action = this.#action("resolving", reference);
    const answer = await this.#ask("HEAD", reference, MANIFEST_TYPES, action);
    await dismiss(answer.response);
    const mediaType = await typeIn(answer, action);
    const [digest, size] = [digestIn(answer, action), contentLength(answer.response)];
    if (digest === undefined || size === undefined) {
      return (await this.get(reference)).descriptor;
    }
    if (isDigest(reference) && digest !== reference) throw otherDigest(action, digest);
    if (size > MAX_MANIFEST_BYTES) throw tooLarge(action);
    return { mediaType, digest, size };
  }

  /** The manifest that a tag or a digest names. */
  async get(
    reference: string,
    accepted: readonly string[] = MANIFEST_TYPES,
    signal?: AbortSignal,
  ): Promise<FetchedManifest> {
    const action = this.#action("fetching", reference);
    const answer = await this.#ask("GET", reference, accepted, action, signal);
    const { response } = answer;
    try {
      const mediaType = await typeIn(answer, action);
      if ((contentLength(response) ?? 0) > MAX_MANIFEST_BYTES) throw tooLarge(action);
      const promised = digestIn(answer, action);
      const body = guarded(response.body, action, signal);
      const bytes = await readUpTo(body, MAX_MANIFEST_BYTES);
      if (!bytes) throw tooLarge(action);
      const digest = digestOf(bytes);
      if (promised !== undefined && promised !== digest) throw otherDigest(action, digest);
      if (isDigest(reference) && digest !== reference) throw otherDigest(action, digest);
      return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
    } catch (error) {
      if (!response.body?.locked) await dismiss(response);
      throw error;
    }
  }

  /** The bytes of `target`. */
  async fetch(target: Descriptor, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { descriptor, bytes } = await this.get(target.digest, [target.mediaType], signal);
    const action = this.#action("fetching", target.digest);
    if (descriptor.mediaType !== target.mediaType) {
      const found = `a ${descriptor.mediaType} where a ${target.mediaType} was wanted`;
      throw new OrasError("content", action, found);
    }
    if (bytes.length !== target.size) {
      throw new OrasError("content", action, `${bytes.length} bytes instead of ${target.size}`);
    }
    return bytes;
  }

  /** Whether there is such a manifest. */
  async exists(target: Descriptor): Promise<boolean> {
    try {
      const { digest, size } = await this.resolve(target.digest);
      return digest === target.digest && size === target.size;
    } catch (error) {
      if (error instanceof OrasError && error.code === "missing") return false;
      throw error;
    }
  }

  /** Resolves with the answer's headers when `reference` names the manifest. */
  async put(
    reference: string,
    { mediaType, digest }: Descriptor,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<Headers> {
    const action = this.#action("pushing", reference);
    const answer = await this.#api.send({
      method: "PUT",
      at: `manifests/${reference}`,
      actions: WRITE,
      headers: { "content-type": mediaType },
      body,
      wanted: [201],
      action,
    });
    await dismiss(answer.response);
    const found = digestIn(answer, action);
    if (found !== undefined && found !== digest) throw otherDigest(action, found);
    return answer.response.headers;
  }

  /** Resolves when the tag is no more, or the manifest and all its tags are no more. */
  async delete(reference: string): Promise<void> {
    const action = this.#action("deleting", reference);
    const at = `manifests/${reference}`;
    const { response } = await this.#api.send({
      method: "DELETE",
      at,
      actions: DELETE,
      wanted: [202],
      action,
    });
    await dismiss(response);
  }

  async #ask(
    method: "GET" | "HEAD",
    reference: string,
    accepted: readonly string[],
    action: string,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const at = `manifests/${reference}`;
    const headers = { accept: accepted.join(", ") };
    return await this.#api.send({
      method,
      at,
      actions: READ,
      headers,
      wanted: [200],
      action,
      signal,
    });
  }

  #action(verb: string, reference: string): string {
    if (isDigest(reference)) return `${verb} manifest ${this.#api.name}@${reference}`;
    if (isTag(reference)) return `${verb} manifest ${this.#api.name}:${reference}`;
    const action = `${verb} a manifest of ${this.#api.name}`;
    throw new OrasError(
      "reference",
      action,
      `"${shown(reference)}" is neither tag nor sha256 digest`,
    );
  }
}

async function typeIn(answer: Answer, action: string): Promise<string> {
  await refuseWebPage(answer);
  const mediaType = mediaTypeOf(answer.response);
  if (isManifestType(mediaType)) return mediaType;
  const found = mediaType ? `${shown(mediaType)}, which is no manifest` : "no media type";
  throw new OrasError("protocol", action, found);
}

/** `Docker-Content-Digest`, where there is one. */
function digestIn({ response }: Answer, action: string): string | undefined {
  const digest = response.headers.get("docker-content-digest");
  if (digest === null || isDigest(digest)) return digest ?? undefined;
  throw new OrasError(
    "protocol",
    action,
    `"${shown(digest)}" as a digest, where sha256 was wanted`,
  );
}

function otherDigest(action: string, found: string): OrasError {
  return new OrasError("content", action, `another manifest, ${found}`);
}

function tooLarge(action: string): OrasError {
  return new OrasError(
    "content",
    action,
    `more than the ${MAX_MANIFEST_BYTES} bytes of a manifest`,
  );
}
