/**
 * An image layout as a repository: which of its manifests are there, with all that belongs to them.
 *
 * @module
 */

import { oneLine, reasonOf } from "../core/mod.ts";
import {
  asReferrer,
  type Descriptor,
  IMAGE_INDEX,
  INDEX_FILE,
  isDigest,
  isForeignLayer,
  isManifestType,
  isRepository,
  isTag,
  LAYOUT_FILE,
  LAYOUT_VERSION,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseManifest,
  REF_NAME,
} from "../oras/mod.ts";
import { fileInside, type FoundFile } from "./_paths.ts";
import type { Place } from "./_walk.ts";
import { BeingChecked, type DigestBook } from "./digest_book.ts";
import { MAX_INDEX_DEPTH, MAX_MANIFESTS } from "./limits.ts";
import { stampOf } from "./stored_file.ts";

/** The repository of the layout that is the served directory itself. */
export const ROOT_REPOSITORY = "os";

/** A manifest that is there, and everything that it leads to. */
export interface CompleteManifest extends FoundFile {
  /** Media type, digest and size. */
  readonly descriptor: Descriptor;
  /** What it says. */
  readonly manifest: Manifest;
}

/** An image layout. */
export interface RepositoryPlace {
  /** Where it is, as {@linkcode Place} has it. */
  readonly place: string;
  /** What registries' clients call it. */
  readonly name: string;
  /** Tags, sorted, and the digests that they name. */
  readonly tags: ReadonlyMap<string, string>;
  /** By digest. */
  readonly manifests: ReadonlyMap<string, CompleteManifest>;
  /** All other content, by digest. */
  readonly blobs: ReadonlyMap<string, FoundFile>;
  /** Manifests by the digest of what they refer to. */
  readonly referrers: ReadonlyMap<string, readonly Descriptor[]>;
  /** What is not served, by tag or digest, and why. */
  readonly problems: ReadonlyMap<string, string>;
  /** Whether some of it waits for its digests. */
  readonly isChecking: boolean;
  /** What changes where the layout does; undefined where it has to be read again. */
  readonly stamp?: string;
}

/** Looks at a layout; what was seen `before` counts where nothing has changed since. */
export async function readRepositoryPlace(
  root: string,
  { name: place, directory }: Place,
  book: DigestBook,
  before?: RepositoryPlace,
): Promise<RepositoryPlace> {
  const reading = new Reading(root, directory, book);
  const name = place || ROOT_REPOSITORY;
  const tags = new Map<string, string>();
  const empty = { place, name, tags, manifests: reading.manifests, blobs: reading.blobs };
  const problems = new Map<string, string>();
  const nothing = { ...empty, referrers: new Map(), problems, isChecking: false };
  try {
    if (!isRepository(name)) {
      throw new Error("no name of a repository: lower case, digits, and . _ - between them");
    }
    const stamp = await reading.stamp();
    if (before?.stamp === stamp && await isAsFound(before)) return before;
    let isChecking = false;
    for (const entry of await reading.index()) {
      const tag = entry.annotations?.[REF_NAME];
      try {
        if (tag !== undefined && !isTag(tag)) throw new Error("no tag");
        if (tag !== undefined && (tags.get(tag) ?? entry.digest) !== entry.digest) {
          tags.delete(tag);
          throw new Error("more than one manifest has this name");
        }
        await reading.complete(entry, 0);
        if (tag !== undefined && !problems.has(tag)) tags.set(tag, entry.digest);
      } catch (error) {
        isChecking ||= error instanceof BeingChecked;
        problems.set(oneLine(tag ?? entry.digest), oneLine(reasonOf(error)));
      }
    }
    const sorted = new Map([...tags].sort(([a], [b]) => a < b ? -1 : 1));
    const referrers = referrersAmong(reading.manifests.values());
    return { ...nothing, tags: sorted, referrers, isChecking, ...problems.size === 0 && { stamp } };
  } catch (error) {
    problems.set("", oneLine(reasonOf(error)));
    return nothing;
  }
}

/** Whether its files are what they were: one may be written anew in its place, as the directory cannot tell. */
async function isAsFound({ manifests, blobs }: RepositoryPlace): Promise<boolean> {
  for (const { path, info } of [...manifests.values(), ...blobs.values()]) {
    try {
      if (stampOf(await Deno.stat(path)) !== stampOf(info)) return false;
    } catch {
      // reading it again says why
      return false;
    }
  }
  return true;
}

/** One look at a layout. */
class Reading {
  readonly manifests = new Map<string, CompleteManifest>();
  readonly blobs = new Map<string, FoundFile>();
  readonly #seen = new Map<string, Promise<void>>();
  readonly #root: string;
  readonly #steps: readonly string[];
  readonly #book: DigestBook;

  constructor(root: string, directory: string, book: DigestBook) {
    this.#root = root;
    this.#steps = directory === root ? [] : directory.slice(root.length + 1).split("/");
    this.#book = book;
  }

  /** What changes when a file comes or goes, or the index is another. */
  async stamp(): Promise<string> {
    const index = await this.#file(INDEX_FILE);
    if (!index) throw new Error(`${INDEX_FILE} is not there`);
    const blobs = await Deno.stat([this.#root, ...this.#steps, "blobs", "sha256"].join("/"));
    return `${stampOf(index.info)} ${stampOf(blobs)}`;
  }

  /** What the layout lists. */
  async index(): Promise<readonly Descriptor[]> {
    const { imageLayoutVersion } = JSON.parse(
      new TextDecoder().decode(await this.#small(LAYOUT_FILE)),
    );
    if (imageLayoutVersion !== LAYOUT_VERSION) {
      throw new Error(`no layout of version ${LAYOUT_VERSION}`);
    }
    const bytes = await this.#small(INDEX_FILE);
    const descriptor = { mediaType: IMAGE_INDEX, digest: INDEX_FILE, size: bytes.length };
    const index = parseManifest(descriptor, bytes);
    return index.kind === "index" ? index.manifests : [];
  }

  /** Resolves when the content and all that it leads to is there, and known here. */
  complete(content: Descriptor, depth: number): Promise<void> {
    const known = this.#seen.get(content.digest);
    if (known) return known;
    const looked = this.#look(content, depth);
    this.#seen.set(content.digest, looked);
    return looked;
  }

  async #look(content: Descriptor, depth: number): Promise<void> {
    const { mediaType, digest, size } = content;
    if (!isDigest(digest)) throw new Error(`${digest} is no sha256 digest`);
    const file = await this.#file("blobs", "sha256", digest.slice("sha256:".length));
    if (!file) throw new Error(`${digest} is not there`);
    if (file.info.size !== size) {
      throw new Error(`${digest} has ${file.info.size} bytes of ${size}`);
    }
    const digests = this.#book.of(file, digest);
    if (`sha256:${digests.sha256}` !== digest) throw new Error(`${digest} has other bytes`);
    if (!isManifestType(mediaType)) {
      this.blobs.set(digest, file);
      return;
    }
    if (this.manifests.size >= MAX_MANIFESTS) {
      throw new Error(`more than ${MAX_MANIFESTS} manifests`);
    }
    if (depth > MAX_INDEX_DEPTH) throw new Error(`indexes more than ${MAX_INDEX_DEPTH} deep`);
    if (size > MAX_MANIFEST_BYTES) throw new Error(`${digest}: too large for a manifest`);
    const manifest = parseManifest(content, await Deno.readFile(file.path));
    const parts = manifest.kind === "index" ? manifest.manifests : [
      manifest.config,
      ...manifest.layers.filter((layer) => !isForeignLayer(layer.mediaType)),
    ];
    // all that is missing is asked for before the first of it ends this
    const all = await Promise.allSettled(parts.map((part) => this.complete(part, depth + 1)));
    const failed = all.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
    this.manifests.set(digest, { descriptor: { mediaType, digest, size }, manifest, ...file });
  }

  #file(...names: string[]): Promise<FoundFile | undefined> {
    return fileInside(this.#root, [...this.#steps, ...names]);
  }

  async #small(name: string): Promise<Uint8Array> {
    const file = await this.#file(name);
    if (!file) throw new Error(`${name} is not there`);
    if (file.info.size > MAX_MANIFEST_BYTES) throw new Error(`${name} is too large`);
    return await Deno.readFile(file.path);
  }
}

function referrersAmong(
  manifests: Iterable<CompleteManifest>,
): ReadonlyMap<string, readonly Descriptor[]> {
  const referrers = new Map<string, Descriptor[]>();
  for (const { descriptor, manifest } of manifests) {
    const { subject } = manifest;
    if (!subject) continue;
    const listed = referrers.get(subject.digest) ?? [];
    listed.push(asReferrer(descriptor, manifest));
    referrers.set(subject.digest, listed);
  }
  return referrers;
}
