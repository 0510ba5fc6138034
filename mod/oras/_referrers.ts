/**
 * What refers to a manifest (distribution specification 1.1, "Listing Referrers", "Referrers Tag Schema").
 *
 * @module
 */

import { mediaTypeOf } from "./_answer.ts";
import { readDescriptor, writeDescriptor } from "./_descriptor.ts";
import { JsonReader } from "./_json.ts";
import type { Manifests } from "./_manifests.ts";
import type { RepositoryApi } from "./_repository_api.ts";
import type { Descriptor } from "./content.ts";
import { describe, isDigest } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { type Manifest, MAX_INDEX_ENTRIES, parseManifest } from "./manifest.ts";
import { IMAGE_INDEX } from "./media_types.ts";
import { MAX_LISTED } from "./registry_limits.ts";

/** Lists referrers, and records them where the registry does not. */
export class Referrers {
  readonly #api: RepositoryApi;
  readonly #manifests: Manifests;
  /** Ends when the index under a tag may be written again. */
  #recording: Promise<void> = Promise.resolve();

  constructor(api: RepositoryApi, manifests: Manifests) {
    this.#api = api;
    this.#manifests = manifests;
  }

  /** Manifests that refer to `subject`, of one type of artifact or of any. */
  async list({ digest }: Descriptor, artifactType?: string): Promise<Descriptor[]> {
    const action = `listing what refers to ${this.#api.name}@${digest}`;
    if (!isDigest(digest)) throw new OrasError("reference", action, "wanted a sha256 digest");
    const all = await this.#fromApi(digest, artifactType, action) ?? await this.#tagged(digest);
    const found = new Map(all.map((descriptor) => [descriptor.digest, descriptor]));
    // registries may ignore the filter
    return [...found.values()].filter((each) =>
      artifactType === undefined || each.artifactType === artifactType
    );
  }

  /**
   * Resolves when the index under the subject's tag lists the manifest. Two programs that do this for one
   * subject at the same time may each overwrite what the other has recorded; the specification has no
   * remedy. Within one program it happens one after the other.
   */
  async record(referrer: Descriptor, manifest: Manifest): Promise<void> {
    await this.#inTurn(() => this.#add(referrer, manifest));
  }

  /**
   * Resolves when the index under the subject's tag, where there is one and the registry has no other
   * means, does not list the manifest any more ("Deleting Manifests").
   */
  async forget({ digest }: Descriptor, { subject }: Manifest): Promise<void> {
    if (!subject) return;
    const action = `listing what refers to ${this.#api.name}@${subject.digest}`;
    if (await this.#fromApi(subject.digest, undefined, action)) return;
    await this.#inTurn(async () => {
      const listed = await this.#tagged(subject.digest);
      const left = listed.filter((each) => each.digest !== digest);
      if (left.length < listed.length) await this.#write(subject.digest, left);
    });
  }

  async #inTurn(act: () => Promise<void>): Promise<void> {
    const mine = this.#recording.then(act);
    this.#recording = mine.catch(() => {});
    await mine;
  }

  /** Undefined where the registry has no such API. */
  async #fromApi(
    digest: string,
    artifactType: string | undefined,
    action: string,
  ): Promise<Descriptor[] | undefined> {
    const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
    const json = new JsonReader(action);
    let found: Descriptor[] | undefined;
    for await (const page of this.#api.pages(`referrers/${digest}${query}`, action, [404])) {
      if (mediaTypeOf(page.response) !== IMAGE_INDEX) {
        throw new OrasError("protocol", action, "an answer that is no index");
      }
      const { manifests } = json.parse(page.bytes);
      const entries = json.list(manifests, "manifests", MAX_LISTED - (found?.length ?? 0));
      found = [
        ...found ?? [],
        ...entries.map((entry, at) => readDescriptor(json, entry, `manifests[${at}]`)),
      ];
    }
    return found;
  }

  /** What the index under the subject's tag lists. */
  async #tagged(digest: string): Promise<Descriptor[]> {
    try {
      const { descriptor, bytes } = await this.#manifests.get(tagOf(digest), [IMAGE_INDEX]);
      const manifest = parseManifest(descriptor, bytes);
      return manifest.kind === "index" ? [...manifest.manifests] : [];
    } catch (error) {
      if (error instanceof OrasError && error.code === "missing") return [];
      throw error;
    }
  }

  async #add(referrer: Descriptor, manifest: Manifest): Promise<void> {
    const { subject, annotations } = manifest;
    if (!subject) return;
    const { mediaType, digest, size } = referrer;
    const config = manifest.kind === "image" ? manifest.config.mediaType : undefined;
    const artifactType = manifest.artifactType ?? config;
    const listed = await this.#tagged(subject.digest);
    if (listed.some((each) => each.digest === digest)) return;
    if (listed.length >= MAX_INDEX_ENTRIES) {
      const action = `recording that ${digest} refers to ${subject.digest}`;
      throw new OrasError("content", action, `${listed.length} referrers already`);
    }
    const own = { mediaType, digest, size, artifactType, annotations };
    await this.#write(subject.digest, [...listed, own]);
  }

  async #write(subject: string, referrers: readonly Descriptor[]): Promise<void> {
    const manifests = referrers.map(writeDescriptor);
    const index = { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests };
    const bytes = new TextEncoder().encode(JSON.stringify(index));
    await this.#manifests.put(tagOf(subject), describe(IMAGE_INDEX, bytes), bytes);
  }
}

function tagOf(digest: string): string {
  return digest.replace(":", "-");
}
