/**
 * Content in memory: for tests, and as a small cache.
 *
 * @module
 */

import { asStream, discard, streamOf } from "./_bytes.ts";
import { referrersAmong } from "./_graph.ts";
import { checkTag } from "./_tag.ts";
import type { ByteStream, Descriptor, FetchOptions, Target } from "./content.ts";
import { readAll } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { isManifestType } from "./media_types.ts";

/** Largest single content in bytes, where nothing else is said. */
export const DEFAULT_MAX_CONTENT_BYTES = 64 * 1024 * 1024;

/** What is to be different from the defaults. */
export interface MemoryOptions {
  /** Largest single content in bytes; {@linkcode DEFAULT_MAX_CONTENT_BYTES} where absent. */
  readonly maxContentBytes?: number;
}

/** Content and tags in memory. Nothing is ever removed. */
export class MemoryTarget implements Target {
  /** For messages. */
  readonly name: string = "memory";
  readonly #limit: number;
  readonly #contents = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #manifests = new Map<string, Descriptor>();
  readonly #tags = new Map<string, Descriptor>();

  /** Empty. */
  constructor({ maxContentBytes = DEFAULT_MAX_CONTENT_BYTES }: MemoryOptions = {}) {
    this.#limit = maxContentBytes;
  }

  /** Whether the content is there. */
  exists({ mediaType, digest, size }: Descriptor): Promise<boolean> {
    const there = this.#contents.get(digest)?.length === size;
    return Promise.resolve(there && (!isManifestType(mediaType) || this.#manifests.has(digest)));
  }

  /**
   * Resolves when a copy of `content` is there, verified.
   * @throws {OrasError} `content` where it is not what `expected` says, or larger than the limit.
   */
  async push(expected: Descriptor, content: ByteStream | Uint8Array<ArrayBuffer>): Promise<void> {
    if (await this.exists(expected)) return await discard(content);
    const bytes = await readAll(expected, asStream(content), this.#limit);
    this.#contents.set(expected.digest, bytes);
    if (isManifestType(expected.mediaType)) this.#manifests.set(expected.digest, expected);
  }

  /**
   * A copy of the content, from `offset` on.
   * @throws {OrasError} `missing` where there is none.
   */
  fetch(target: Descriptor, { offset = 0, signal }: FetchOptions = {}): Promise<ByteStream> {
    const bytes = this.#contents.get(target.digest);
    if (!bytes) return Promise.reject(this.#missing(`fetching ${target.digest}`));
    return Promise.resolve(streamOf(bytes.subarray(offset), signal));
  }

  /**
   * The manifest that a tag or a digest names.
   * @throws {OrasError} `missing` where there is none.
   */
  resolve(reference: string): Promise<Descriptor> {
    const found = this.#manifests.get(reference) ?? this.#tags.get(reference);
    return found ? Promise.resolve(found) : Promise.reject(this.#missing(`resolving ${reference}`));
  }

  /**
   * Resolves when `tag` names the manifest; it names no other any more.
   * @throws {OrasError} `missing` where the manifest is not there, `reference` where that is no tag.
   */
  async tag(target: Descriptor, tag: string): Promise<void> {
    checkTag(tag);
    this.#tags.set(tag, await this.resolve(target.digest));
  }

  /** All tags, sorted. */
  tags(): Promise<string[]> {
    return Promise.resolve([...this.#tags.keys()].sort());
  }

  /** Manifests whose `subject` is `subject`, all or those of one artifact type. */
  referrers(subject: Descriptor, artifactType?: string): Promise<Descriptor[]> {
    return referrersAmong(this, [...this.#manifests.values()], subject, artifactType);
  }

  #missing(action: string): OrasError {
    return new OrasError("missing", action, `not in ${this.name}`);
  }
}
