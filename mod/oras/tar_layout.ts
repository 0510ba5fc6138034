/**
 * Image layouts in tar files (OCI image specification 1.1, image-layout.md): read where they are, and
 * written.
 *
 * @module
 */

import { fileSize, io, readFile, replaceFile } from "./_files.ts";
import { LayoutReader } from "./_layout_reader.ts";
import { tarEnd, tarEntry } from "./_tar_entries.ts";
import { writeTarHeader } from "./_tar_header.ts";
import { indexTar } from "./_tar_index.ts";
import type { ByteStream, Descriptor, FetchOptions, ReadOnlyTarget } from "./content.ts";
import { verified } from "./digest.ts";
import { OrasError } from "./errors.ts";
import type { ImageLayout } from "./layout.ts";
import { BLOBS, INDEX_FILE, LAYOUT_FILE } from "./layout_files.ts";

const LAYOUT_NAME = /^(oci-layout|index\.json|blobs\/sha256\/[0-9a-f]{64})$/;
const HEX = /^[0-9a-f]{64}$/;

/** A layout in a tar file that is not compressed. Nothing is unpacked. */
export class TarLayout implements ReadOnlyTarget {
  /** For messages: the tar file. */
  readonly name: string;
  readonly #reader: LayoutReader;

  private constructor(path: string, reader: LayoutReader) {
    this.name = path;
    this.#reader = reader;
  }

  /**
   * The layout in the tar file, whose headers have been read.
   * @throws {OrasError} `missing` where there is none, `content` where it is no tar file, or a hostile one.
   */
  static async open(path: string): Promise<TarLayout> {
    const extents = await indexTar(path, (name) => LAYOUT_NAME.test(name));
    const reader = await LayoutReader.open({
      name: path,
      size: (file) => Promise.resolve(extents.get(file)?.size),
      read: (file, size, options) => {
        const start = extents.get(file)?.start ?? 0;
        return readFile(path, start + (options?.offset ?? 0), start + size, options);
      },
    });
    return new TarLayout(path, reader);
  }

  /** All tags, sorted. */
  async tags(): Promise<string[]> {
    return (await this.#reader.index()).tags;
  }

  /**
   * The content, from `offset` bytes on.
   * @throws {OrasError} `missing` where there is none.
   */
  fetch(target: Descriptor, options?: FetchOptions): Promise<ByteStream> {
    return this.#reader.fetch(target, options);
  }

  /**
   * The manifest that a tag or a digest names, those in indexes included.
   * @throws {OrasError} `missing` where there is none, `content` where a tag names more than one.
   */
  resolve(reference: string): Promise<Descriptor> {
    return this.#reader.resolve(reference);
  }

  /** Manifests whose `subject` is `subject`, all or those of one artifact type. */
  referrers(subject: Descriptor, artifactType?: string): Promise<Descriptor[]> {
    return this.#reader.referrers(subject, artifactType);
  }
}

/**
 * Resolves when the tar file at `path` holds the layout, verified and durable; until then there is what was
 * there before. Of the same layout it is the same bytes.
 *
 * @throws {OrasError} `content` where the layout's content is not what it is called, `io`.
 */
export async function writeTarLayout(layout: ImageLayout, path: string): Promise<void> {
  await replaceFile(path, tarOf(layout.name));
}

async function* tarOf(directory: string): AsyncGenerator<Uint8Array> {
  // Before the list of blobs: what the index names is there by then.
  for (const name of [LAYOUT_FILE, INDEX_FILE]) {
    const size = await sizeOf(`${directory}/${name}`);
    const content = await readFile(`${directory}/${name}`, 0, size);
    yield* tarEntry({ name, size, content });
  }
  for (const name of ["blobs/", `${BLOBS}/`]) yield writeTarHeader({ name, size: 0, type: "5" });
  const blobs = `${directory}/${BLOBS}`;
  const names = await io(`listing ${blobs}`, () => Array.fromAsync(Deno.readDir(blobs)));
  for (const hex of names.map(({ name }) => name).filter((name) => HEX.test(name)).sort()) {
    const path = `${blobs}/${hex}`;
    const size = await sizeOf(path);
    const target = { mediaType: "application/octet-stream", digest: `sha256:${hex}`, size };
    const content = verified(target, await readFile(path, 0, size));
    yield* tarEntry({ name: `${BLOBS}/${hex}`, size, content });
  }
  yield tarEnd();
}

async function sizeOf(path: string): Promise<number> {
  const size = await fileSize(path);
  if (size === undefined) throw new OrasError("missing", `reading ${path}`, "no such file");
  return size;
}
