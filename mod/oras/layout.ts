/**
 * Image layouts in directories (OCI image specification 1.1, image-layout.md).
 *
 * @module
 */

import { asStream, discard, streamOf } from "./_bytes.ts";
import { fileSize, io, readFile, replaceFile, syncDirectory } from "./_files.ts";
import { LayoutIndex } from "./_layout_index.ts";
import { blobFile, LayoutReader } from "./_layout_reader.ts";
import { checkTag } from "./_tag.ts";
import type { ByteStream, Descriptor, FetchOptions, Target } from "./content.ts";
import { verified } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { BLOBS, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION } from "./layout_files.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";
import { isManifestType } from "./media_types.ts";

/**
 * A layout in a directory. Reading writes nothing, so read-only media will do. Everything that is written
 * is verified and durable before it gets its name: a power cut leaves the layout whole, and perhaps a
 * hidden file beside it. Every manifest that is pushed is listed in `index.json`, so that digests and
 * referrers are found. One process writes at a time.
 *
 * @example A layout in a directory, there and back
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ImageLayout, packManifest, pushManifest } from "@kubesolo/update/oras";
 *
 * const directory = await Deno.makeTempDir();
 * const layout = await ImageLayout.create(directory);
 * const packed = packManifest({ artifactType: "application/vnd.example.note" });
 * await pushManifest(layout, packed);
 * await layout.tag(packed.descriptor, "1.0");
 *
 * const same = await ImageLayout.open(directory);
 * assertEquals(await same.tags(), ["1.0"]);
 * assertEquals(await same.resolve("1.0"), packed.descriptor);
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export class ImageLayout implements Target {
  /** For messages: the directory. */
  readonly name: string;
  readonly #reader: LayoutReader;
  /** Ends when the last change of `index.json` has. */
  #changed: Promise<void> = Promise.resolve();

  private constructor(directory: string, reader: LayoutReader) {
    this.name = directory;
    this.#reader = reader;
  }

  /**
   * The layout that is in the directory.
   * @throws {OrasError} `missing` where there is none, `content` where it is of another version or hostile.
   */
  static async open(directory: string): Promise<ImageLayout> {
    const path = (file: string) => `${directory}/${file}`;
    const reader = await LayoutReader.open({
      name: directory,
      size: (file) => fileSize(path(file)),
      read: (file, size, options) => readFile(path(file), options?.offset ?? 0, size, options),
    });
    return new ImageLayout(directory, reader);
  }

  /**
   * The layout that is in the directory; both are made where they are not there.
   * @throws {OrasError} as {@linkcode ImageLayout.open} does, and `io`.
   */
  static async create(directory: string): Promise<ImageLayout> {
    await io(`making ${directory}`, async () => {
      await Deno.mkdir(`${directory}/${BLOBS}`, { recursive: true });
      await syncDirectory(`${directory}/blobs`);
    });
    if (await fileSize(`${directory}/${INDEX_FILE}`) === undefined) {
      await replaceFile(`${directory}/${INDEX_FILE}`, streamOf(LayoutIndex.empty().serialise()));
    }
    // Last: what has this file is a layout.
    if (await fileSize(`${directory}/${LAYOUT_FILE}`) === undefined) {
      const version = JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION });
      await replaceFile(
        `${directory}/${LAYOUT_FILE}`,
        streamOf(new TextEncoder().encode(version)),
      );
    }
    return await ImageLayout.open(directory);
  }

  /** Whether the content is there with its size, and listed where it is a manifest. */
  async exists(target: Descriptor): Promise<boolean> {
    if (!await this.#reader.holds(target)) return false;
    return !isManifestType(target.mediaType) || (await this.#reader.index()).has(target);
  }

  /**
   * Resolves when the content is there, verified and durable, and listed where it is a manifest.
   * @throws {OrasError} `content` where it is not what `expected` says, `io` where it cannot be written.
   */
  async push(expected: Descriptor, content: ByteStream | Uint8Array<ArrayBuffer>): Promise<void> {
    const isManifest = isManifestType(expected.mediaType);
    if (isManifest && expected.size > MAX_MANIFEST_BYTES) {
      await discard(content);
      const found = `a manifest of more than ${MAX_MANIFEST_BYTES} bytes`;
      throw new OrasError("content", `writing ${expected.digest}`, found);
    }
    if (await this.#reader.holds(expected)) await discard(content);
    else {
      const path = `${this.name}/${blobFile(expected)}`;
      await replaceFile(path, verified(expected, asStream(content)));
    }
    if (isManifest) await this.#change((index) => index.with(expected));
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

  /**
   * Resolves when `tag` names the manifest, durably; what it named before stays listed without it.
   * @throws {OrasError} `missing` where the manifest is not there, `reference` where that is no tag.
   */
  async tag(target: Descriptor, tag: string): Promise<void> {
    checkTag(tag);
    if (!await this.#reader.holds(target)) {
      throw new OrasError("missing", `tagging ${target.digest}`, `not in ${this.name}`);
    }
    await this.#change((index) => index.withTag(target, tag));
  }

  /** All tags, sorted. */
  async tags(): Promise<string[]> {
    return (await this.#reader.index()).tags;
  }

  /** Manifests whose `subject` is `subject`, all or those of one artifact type. */
  referrers(subject: Descriptor, artifactType?: string): Promise<Descriptor[]> {
    return this.#reader.referrers(subject, artifactType);
  }

  /** One change after the other, each on what the one before has left. */
  async #change(change: (index: LayoutIndex) => LayoutIndex): Promise<void> {
    const changed = this.#changed.then(async () => {
      const before = await this.#reader.index();
      const after = change(before);
      if (after === before) return;
      await replaceFile(`${this.name}/${INDEX_FILE}`, streamOf(after.serialise()));
    });
    this.#changed = changed.catch(() => {});
    await changed;
  }
}
