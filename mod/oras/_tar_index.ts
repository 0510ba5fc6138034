/** Where the files of a tar are. */

import { fileSize, io } from "./_files.ts";
import { regularFiles, type TarBytes } from "./_tar_entries.ts";
import { OrasError } from "./errors.ts";

/** Where the bytes of a file are, in the tar. */
export interface TarExtent {
  readonly start: number;
  readonly size: number;
}

/**
 * The regular files of the tar whose names `wanted` wants, without a leading `./`; of two with one name the
 * later. Content is passed over, not read.
 */
export async function indexTar(
  path: string,
  wanted: (name: string) => boolean,
): Promise<ReadonlyMap<string, TarExtent>> {
  const length = await fileSize(path);
  if (length === undefined) throw new OrasError("missing", `reading ${path}`, "no such file");
  using file = await io(`reading ${path}`, () => Deno.open(path));
  const tar = new TarFile(path, file, length);
  const found = new Map<string, TarExtent>();
  for await (const { name, size } of regularFiles(tar)) {
    const plain = name.replace(/^(\.\/+)+/, "");
    if (wanted(plain)) found.set(plain, { start: tar.position, size });
  }
  return found;
}

/** Goes through a tar file from header to header. */
class TarFile implements TarBytes {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #length: number;
  #position = 0;

  constructor(path: string, file: Deno.FsFile, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
  }

  get position(): number {
    return this.#position;
  }

  ended(): Promise<boolean> {
    return Promise.resolve(this.#position === this.#length);
  }

  async exactly(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    if (this.#position + count > this.#length) throw this.wrong("ends in the middle of a header");
    await io(`reading ${this.#path}`, async () => {
      await this.#file.seek(this.#position, Deno.SeekMode.Start);
      for (let done = 0; done < count;) {
        const more = await this.#file.read(bytes.subarray(done));
        if (!more) throw this.wrong("ends early");
        done += more;
      }
    });
    this.#position += count;
    return bytes;
  }

  skipTo(position: number): Promise<void> {
    if (position > this.#length) {
      return Promise.reject(this.wrong("ends in the middle of a file"));
    }
    this.#position = position;
    return Promise.resolve();
  }

  wrong(found: string): OrasError {
    return new OrasError("content", `reading ${this.#path}`, found);
  }
}
