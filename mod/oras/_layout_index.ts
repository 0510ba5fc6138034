/** `index.json` of a layout: what it names, read and changed. */

import { readDescriptor, writeDescriptor } from "./_descriptor.ts";
import { type JsonObject, JsonReader } from "./_json.ts";
import type { Descriptor } from "./content.ts";
import { OrasError } from "./errors.ts";
import { INDEX_FILE, REF_NAME } from "./layout_files.ts";
import { MAX_INDEX_ENTRIES, MAX_MANIFEST_BYTES, parseManifest } from "./manifest.ts";
import { IMAGE_INDEX } from "./media_types.ts";

interface Entry {
  /** As it stands in the file: what this code does not know of is kept. */
  readonly json: unknown;
  readonly target: Descriptor;
  readonly tag?: string;
}

/** What an `index.json` says; changes make new ones. */
export class LayoutIndex {
  readonly #document: JsonObject;
  readonly #entries: readonly Entry[];

  private constructor(document: JsonObject, entries: readonly Entry[]) {
    this.#document = document;
    this.#entries = entries;
  }

  /** That of a layout without content. */
  static empty(): LayoutIndex {
    return new LayoutIndex({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [] }, []);
  }

  /** What `bytes` say; throws `content` where that is no index. */
  static parse(bytes: Uint8Array): LayoutIndex {
    const name = { mediaType: IMAGE_INDEX, digest: INDEX_FILE, size: bytes.length };
    parseManifest(name, bytes);
    const json = new JsonReader("reading index.json");
    const document = json.parse(bytes);
    const list = json.list(document.manifests, "manifests", MAX_INDEX_ENTRIES);
    return new LayoutIndex(
      document,
      list.map((entry, at) => toEntry(entry, readDescriptor(json, entry, `manifests[${at}]`))),
    );
  }

  /** The file. */
  serialise(): Uint8Array<ArrayBuffer> {
    const document = { ...this.#document, manifests: this.#entries.map(({ json }) => json) };
    const bytes = new TextEncoder().encode(JSON.stringify(document));
    if (bytes.length > MAX_MANIFEST_BYTES || this.#entries.length > MAX_INDEX_ENTRIES) {
      throw new OrasError("io", "writing index.json", "larger than any reader takes");
    }
    return bytes;
  }

  /** What it lists, in its order, without tags; content with two tags is there twice. */
  get manifests(): readonly Descriptor[] {
    return this.#entries.map(({ target }) => target);
  }

  /** All tags, sorted. */
  get tags(): string[] {
    return [...new Set(this.#entries.flatMap(({ tag }) => tag === undefined ? [] : [tag]))].sort();
  }

  /** What the tag names; throws `content` where that is more than one thing. */
  tagged(tag: string): Descriptor | undefined {
    const found = this.#entries.filter((entry) => entry.tag === tag);
    if (found.some(({ target }) => target.digest !== found[0].target.digest)) {
      throw new OrasError("content", `resolving ${tag}`, "more than one manifest has this name");
    }
    return found[0]?.target;
  }

  /** Whether the content is listed, with or without a tag. */
  has({ digest }: Descriptor): boolean {
    return this.#entries.some(({ target }) => target.digest === digest);
  }

  /** The same, and `target` is listed. */
  with(target: Descriptor): LayoutIndex {
    if (this.has(target)) return this;
    return new LayoutIndex(this.#document, [...this.#entries, newEntry(target)]);
  }

  /** The same, and `tag` names `target` and nothing else; what it named before stays listed. */
  withTag(target: Descriptor, tag: string): LayoutIndex {
    const kept = this.#entries.filter((entry) =>
      entry.tag !== tag && !(entry.tag === undefined && entry.target.digest === target.digest)
    );
    const tagged = new LayoutIndex(this.#document, [...kept, newEntry(target, tag)]);
    return this.#entries.filter((entry) => entry.tag === tag)
      .reduce((index, before) => index.with(before.target), tagged);
  }
}

function toEntry(json: unknown, descriptor: Descriptor): Entry {
  const { annotations, ...plain } = descriptor;
  const { [REF_NAME]: tag, ...others } = annotations ?? {};
  const target = Object.keys(others).length > 0 ? { ...plain, annotations: others } : plain;
  return { json, target, ...(tag ? { tag } : {}) };
}

function newEntry(target: Descriptor, tag?: string): Entry {
  const { annotations, ...plain } = target;
  const { [REF_NAME]: _, ...others } = annotations ?? {};
  const named = tag === undefined ? others : { ...others, [REF_NAME]: tag };
  const json = writeDescriptor({ ...plain, annotations: named });
  return toEntry(json, json);
}
