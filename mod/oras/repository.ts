/**
 * A repository of a registry (OCI distribution specification 1.1).
 *
 * @module
 */

import { Blobs } from "./_blobs.ts";
import { discard, streamOf } from "./_bytes.ts";
import { JsonReader } from "./_json.ts";
import { Manifests } from "./_manifests.ts";
import { Referrers } from "./_referrers.ts";
import { RepositoryApi } from "./_repository_api.ts";
import { checkTag } from "./_tag.ts";
import { Uploads } from "./_uploads.ts";
import type { ByteStream, Descriptor, FetchOptions, Target } from "./content.ts";
import { isDigest, readAll } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { type Manifest, MAX_MANIFEST_BYTES, parseManifest } from "./manifest.ts";
import { isManifestType } from "./media_types.ts";
import { isRepository, isTag, type Reference } from "./reference.ts";
import type { RegistryClient } from "./registry_client.ts";
import { MAX_LISTED, TAGS_PER_PAGE } from "./registry_limits.ts";

/**
 * Content in a registry. Nothing is kept here: every call asks the registry. Besides what is said below,
 * all methods throw an {@linkcode OrasError} with `refused`, `unreachable`, `untrusted` or `protocol`, as
 * the registry answers.
 *
 * @example
 * ```ts
 * import { parseReference, RegistryClient, Repository } from "@kubesolo/update/oras";
 * import { assertEquals } from "@std/assert";
 *
 * const reference = parseReference("registry.example/os/stable:1.2.0");
 * const repository = new Repository(reference, new RegistryClient());
 * assertEquals(repository.name, "registry.example/os/stable");
 * // const descriptor = await repository.resolve(reference.tag);
 * ```
 */
export class Repository implements Target {
  /** Registry and repository. */
  readonly name: string;
  readonly #manifests: Manifests;
  readonly #blobs: Blobs;
  readonly #uploads: Uploads;
  readonly #referrers: Referrers;
  readonly #api: RepositoryApi;

  /**
   * Nothing is asked yet. Tag and digest of the reference do not matter.
   * @throws {OrasError} `reference` where it names no repository.
   */
  constructor(reference: Reference, client: RegistryClient) {
    this.#api = new RepositoryApi(reference, client);
    this.name = this.#api.name;
    this.#manifests = new Manifests(this.#api);
    this.#blobs = new Blobs(this.#api);
    this.#uploads = new Uploads(this.#api);
    this.#referrers = new Referrers(this.#api, this.#manifests);
  }

  /**
   * The descriptor of the manifest that a tag or a digest names, as the registry says.
   * @throws {OrasError} `missing` where there is none; `reference` where it is neither tag nor digest;
   * `content` where the registry has another one under that digest.
   */
  async resolve(reference: string): Promise<Descriptor> {
    return await this.#manifests.resolve(reference);
  }

  /**
   * The bytes of a manifest, verified, or those of a blob as they come.
   * @throws {OrasError} `missing` where there is no such content; `content` where it is not what `target`
   * says, as far as that shows at the beginning.
   */
  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    if (!isManifestType(target.mediaType)) return await this.#blobs.fetch(target, options);
    const bytes = await this.#manifests.fetch(target, options.signal);
    return streamOf(bytes.subarray(options.offset ?? 0), options.signal);
  }

  /** Whether the repository has the content, of the size that `target` says. */
  async exists(target: Descriptor): Promise<boolean> {
    const { mediaType } = target;
    return await (isManifestType(mediaType) ? this.#manifests : this.#blobs).exists(target);
  }

  /**
   * Resolves when the repository has the content. A manifest with a subject is listed among its referrers
   * then, be it by the registry or under the subject's tag.
   * @throws {OrasError} `content` where it is not what `expected` says; nothing is kept of it.
   */
  async push(expected: Descriptor, content: ByteStream | Uint8Array<ArrayBuffer>): Promise<void> {
    if (isManifestType(expected.mediaType)) return await this.#pushManifest(expected, content);
    let there: boolean;
    try {
      there = await this.#blobs.exists(expected);
    } catch (error) {
      await discard(content);
      throw error;
    }
    if (there) return await discard(content);
    try {
      await this.#uploads.push(expected, content);
    } catch (error) {
      // the session is over where the registry took the blob, and its answer was lost on the way
      const over = error instanceof OrasError && error.code === "missing";
      if (!over || !await this.#blobs.exists(expected)) throw error;
    }
  }

  /**
   * Whether the repository has the blob now because the registry took it over from its repository `from`,
   * without its bytes being sent.
   * @throws {OrasError} `reference` where `from` is no repository.
   */
  async mount(from: string, blob: Descriptor): Promise<boolean> {
    if (!isRepository(from)) {
      throw new OrasError(
        "reference",
        `mounting a blob into ${this.name}`,
        "no repository to take it from",
      );
    }
    return await this.#uploads.mount(from, blob);
  }

  /**
   * Resolves when `tag` names the manifest `target`, which the repository has.
   * @throws {OrasError} `missing` where it has not; `reference` where it is no tag.
   */
  async tag(target: Descriptor, tag: string): Promise<void> {
    checkTag(tag);
    await this.#put(tag, target, await this.#manifests.fetch(target));
  }

  /** All tags, sorted. */
  async tags(): Promise<string[]> {
    const action = `listing the tags of ${this.name}`;
    const json = new JsonReader(action);
    const found = new Set<string>();
    for await (const { bytes } of this.#api.pages(`tags/list?n=${TAGS_PER_PAGE}`, action)) {
      const { tags } = json.parse(bytes);
      for (const tag of json.list(tags ?? null, "tags", MAX_LISTED - found.size)) {
        if (typeof tag !== "string" || !isTag(tag)) throw json.wrong("tags", "tags", tag);
        found.add(tag);
      }
    }
    return [...found].sort();
  }

  /** Manifests whose `subject` is `subject`, all or those of one type of artifact. */
  async referrers(subject: Descriptor, artifactType?: string): Promise<Descriptor[]> {
    return await this.#referrers.list(subject, artifactType);
  }

  /**
   * Resolves when the tag is no more, or, for a digest, the manifest and all its tags. A manifest that is
   * listed as a referrer under its subject's tag is then listed there no more.
   * @throws {OrasError} `missing` where there is none.
   */
  async deleteManifest(reference: string): Promise<void> {
    if (!isDigest(reference)) return await this.#manifests.delete(reference);
    const read = await this.#readIfSound(reference);
    await this.#manifests.delete(reference);
    if (read) await this.#referrers.forget(...read);
  }

  /**
   * Resolves when the repository has no such blob any more.
   * @throws {OrasError} `missing` where there is none.
   */
  async deleteBlob(digest: string): Promise<void> {
    await this.#blobs.delete(digest);
  }

  /** Undefined for what is no manifest: that can be deleted as well. */
  async #readIfSound(digest: string): Promise<[Descriptor, Manifest] | undefined> {
    try {
      const { descriptor, bytes } = await this.#manifests.get(digest);
      return [descriptor, parseManifest(descriptor, bytes)];
    } catch (error) {
      const unsound = error instanceof OrasError && ["content", "protocol"].includes(error.code);
      if (!unsound) throw error;
      return undefined;
    }
  }

  async #pushManifest(expected: Descriptor, content: ByteStream | Uint8Array<ArrayBuffer>) {
    const stream = content instanceof Uint8Array ? streamOf(content) : content;
    const bytes = await readAll(expected, stream, MAX_MANIFEST_BYTES);
    await this.#put(expected.digest, expected, bytes);
  }

  async #put(reference: string, target: Descriptor, bytes: Uint8Array<ArrayBuffer>) {
    const manifest = parseManifest(target, bytes);
    const headers = await this.#manifests.put(reference, target, bytes);
    // a registry with the referrers API says so ("Pushing Manifests with Subject")
    if (manifest.subject && !headers.has("oci-subject")) {
      await this.#referrers.record(target, manifest);
    }
  }
}
