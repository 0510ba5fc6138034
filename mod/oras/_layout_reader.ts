/** The reading half of a layout, wherever its files are. */

import { listedManifests, referrersAmong } from "./_graph.ts";
import { JsonReader } from "./_json.ts";
import { LayoutIndex } from "./_layout_index.ts";
import type { ByteStream, Descriptor, FetchOptions, ReadOnlyTarget } from "./content.ts";
import { isDigest } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { BLOBS, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION } from "./layout_files.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";

/** Largest `oci-layout` in bytes; it holds nothing but a version. */
const MAX_LAYOUT_FILE_BYTES = 4096;

/** Files by their names in the layout. */
export interface LayoutFiles {
  /** For messages. */
  readonly name: string;
  /** Length in bytes; undefined where there is no such file. */
  size(file: string): Promise<number | undefined>;
  /** The bytes of a file that is there and that long, from `offset` on. */
  read(file: string, size: number, options?: FetchOptions): Promise<ByteStream>;
}

/** Where content is, in the layout; throws `content` where the digest is none. */
export function blobFile({ digest }: Descriptor): string {
  if (!isDigest(digest)) {
    throw new OrasError("content", `looking for ${digest}`, "wanted a sha256 digest");
  }
  return `${BLOBS}/${digest.slice("sha256:".length)}`;
}

/** Reads a layout; what it says is looked up in its files each time. */
export class LayoutReader implements ReadOnlyTarget {
  readonly #files: LayoutFiles;

  private constructor(files: LayoutFiles) {
    this.#files = files;
  }

  /** Resolves when the files are a layout of a known version. */
  static async open(files: LayoutFiles): Promise<LayoutReader> {
    const reader = new LayoutReader(files);
    const action = `reading ${files.name}`;
    const bytes = await reader.#small(LAYOUT_FILE, MAX_LAYOUT_FILE_BYTES);
    const { imageLayoutVersion } = new JsonReader(action).parse(bytes);
    if (imageLayoutVersion !== LAYOUT_VERSION) {
      throw new OrasError("content", action, `not a layout of version ${LAYOUT_VERSION}`);
    }
    await reader.index();
    return reader;
  }

  /** What `index.json` says now. */
  async index(): Promise<LayoutIndex> {
    return LayoutIndex.parse(await this.#small(INDEX_FILE, MAX_MANIFEST_BYTES));
  }

  /** Whether there is a file of that size for the content. */
  async holds(target: Descriptor): Promise<boolean> {
    return await this.#files.size(blobFile(target)) === target.size;
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    const file = blobFile(target);
    const size = await this.#files.size(file);
    if (size === undefined) throw this.#missing(`fetching ${target.digest}`);
    return await this.#files.read(file, size, options);
  }

  async resolve(reference: string): Promise<Descriptor> {
    const index = await this.index();
    const found = isDigest(reference)
      ? (await listedManifests(this, index.manifests)).find(({ digest }) => digest === reference)
      : index.tagged(reference);
    // An index may list what its layout leaves out, such as other machines' images.
    if (!found || !await this.holds(found)) throw this.#missing(`resolving ${reference}`);
    return found;
  }

  async referrers(subject: Descriptor, artifactType?: string): Promise<Descriptor[]> {
    const manifests = await listedManifests(this, (await this.index()).manifests);
    return await referrersAmong(this, manifests, subject, artifactType);
  }

  async #small(file: string, limit: number): Promise<Uint8Array> {
    const action = `reading ${file}`;
    const size = await this.#files.size(file);
    if (size === undefined) throw this.#missing(action);
    if (size > limit) throw new OrasError("content", action, `more than ${limit} bytes`);
    return await new Response(await this.#files.read(file, size)).bytes();
  }

  #missing(action: string): OrasError {
    return new OrasError("missing", action, `not in ${this.#files.name}`);
  }
}
