/**
 * Releases in a directory: `latest.json`, and beside it the files that it names.
 *
 * @module
 */

import {
  type Artifact,
  type ArtifactBody,
  type ArtifactName,
  type Disk,
  followRoots,
  refuseRepeated,
  type Release,
  releaseWith,
  type Trust,
  UpdateError,
  type UpdateSource,
} from "../core/mod.ts";
import { fileInside, readDocument } from "./_files.ts";
import { findRoot, withSignatures } from "./_signatures.ts";

/** Names the release, and its files. */
export const LATEST_FILE = "latest.json";

/** Most bytes of it. */
export const MAX_LATEST_BYTES: number = 1 << 20;

/** A release, and the addresses of its artifacts. */
export interface Addressed {
  /** What the gates are asked about. */
  readonly release: Release;
  /** For each of its artifacts, where it is. */
  readonly urls: ReadonlyMap<ArtifactName, URL>;
}

/** How `latest.json` is read; relative addresses in it start at `url`. */
export interface LatestReader {
  /** The release. */
  latest(json: Uint8Array, url: URL): Addressed;
  /** Those that lead to it. */
  steppingStones(document: { readonly bytes: Uint8Array; readonly url: URL }): readonly Addressed[];
}

/** What a {@linkcode DirectorySource} reads. */
export interface DirectorySourceOptions {
  /** Where `latest.json` is. */
  readonly directory: string;
  /** For messages; the directory where absent. */
  readonly name?: string;
  /** Small files are read through it. */
  readonly disk: Disk;
  /** Understands `latest.json`. */
  readonly reader: LatestReader;
  /** Judges `latest.json` before it is read; nothing is asked of it where there is none. */
  readonly trust?: Trust;
}

/**
 * A directory with `latest.json`, as a server would publish it: the same members, the same signatures
 * beside it. What it names has to lie in the same directory or below, whatever links there are.
 */
export class DirectorySource implements UpdateSource {
  /** For messages. */
  readonly name: string;
  readonly #options: DirectorySourceOptions;
  // nobody can guess this: an address that is not relative cannot begin like this
  readonly #base = new URL(`http://directory.invalid/${crypto.randomUUID()}/`);
  #document?: Uint8Array;
  #signedBy?: readonly string[];
  #known: readonly Addressed[] = [];

  /** Nothing is read until a method is called. */
  constructor(options: DirectorySourceOptions) {
    this.name = options.name ?? options.directory;
    this.#options = options;
  }

  /**
   * What `latest.json` says now.
   * @throws {UpdateError} `source` where it cannot be read, `verification` where it is no release, is not
   * signed as the trust wants it, or names a file elsewhere.
   */
  async latest(): Promise<Release> {
    const { disk, directory, reader, trust } = this.#options;
    if (trust?.chain) {
      await followRoots(trust.chain, (version) => findRoot(disk, directory, version));
    }
    const bytes = await readDocument(disk, directory, LATEST_FILE, MAX_LATEST_BYTES);
    if (!bytes) throw this.#missing(`reading ${this.name}`, LATEST_FILE);
    const signedBy = trust && await this.#judge(trust, bytes);
    const latest = this.#read(() => reader.latest(bytes, this.#url));
    this.#check(latest);
    this.#document = bytes;
    this.#signedBy = signedBy;
    this.#known = [latest];
    return this.#signed(latest);
  }

  /**
   * The stepping stones in the `latest.json` that was last read.
   * @throws {UpdateError} `verification` where one is no release, or names a file elsewhere.
   */
  steppingStones(): Promise<readonly Release[]> {
    return Promise.try(() => {
      const bytes = this.#document;
      if (!bytes) return [];
      const { reader } = this.#options;
      const stones = this.#read(() => reader.steppingStones({ bytes, url: this.#url }));
      for (const stone of stones) this.#check(stone);
      this.#known = [...this.#known.slice(0, 1), ...stones];
      return stones.map((stone) => this.#signed(stone));
    });
  }

  /**
   * The bytes of an artifact of a release that this source gave, from `offset` on.
   * @throws {UpdateError} `source` where the file is not there, `verification` where a link leads out of
   * the directory.
   */
  async open(artifact: Artifact, offset: number): Promise<ArtifactBody> {
    const operation = `fetching ${artifact.name} from ${this.name}`;
    const url = releaseWith(this.#known, artifact)?.urls.get(artifact.name);
    const name = url && this.#nameOf(url);
    if (name === undefined) throw this.#missing(operation, `an address of ${artifact.name}`);
    const path = await fileInside(this.#options.directory, name);
    if (path === undefined) throw this.#missing(operation, name);
    const file = await Deno.open(path);
    try {
      const { size } = await file.stat();
      await file.seek(offset, Deno.SeekMode.Start);
      return { offset, size, stream: file.readable };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get #url(): URL {
    return new URL(LATEST_FILE, this.#base);
  }

  /** The keys that have signed exactly this document; until then nothing in it is read. */
  async #judge(trust: Trust, bytes: Uint8Array): Promise<readonly string[]> {
    const { disk, directory } = this.#options;
    const { signedBy } = await trust.judge(
      await withSignatures(disk, directory, LATEST_FILE, bytes),
    );
    refuseRepeated(`${this.name}/${LATEST_FILE}`, bytes);
    return signedBy;
  }

  /** What `read` reads; its complaints name the file, not the address that stands for it. */
  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UpdateError)) throw error;
      const { code, found, advice } = error;
      const operation = `reading ${this.name}/${LATEST_FILE}`;
      throw new UpdateError(code, { operation, found, advice, cause: error });
    }
  }

  #check({ urls }: Addressed): void {
    for (const [artifact, url] of urls) {
      if (this.#nameOf(url) !== undefined) continue;
      throw new UpdateError("verification", {
        operation: `reading ${this.name}/${LATEST_FILE}`,
        found: `an address of ${artifact} that is no plain name of a file in the directory`,
        advice: "put the file beside latest.json, and name it there without host, / or ..",
      });
    }
  }

  /** The file's name in the directory; undefined where the address leads elsewhere. */
  #nameOf(url: URL): string | undefined {
    if (!url.href.startsWith(this.#base.href) || url.search) return undefined;
    let name: string;
    try {
      name = decodeURIComponent(url.pathname.slice(this.#base.pathname.length));
    } catch {
      return undefined;
    }
    // what was escaped in the address has become dots and slashes only now
    const isGood = name.split("/").every((step) => !["", ".", ".."].includes(step));
    return isGood && !name.includes("\0") ? name : undefined;
  }

  #signed({ release }: Addressed): Release {
    return this.#signedBy ? { ...release, signedBy: this.#signedBy } : release;
  }

  #missing(operation: string, name: string): UpdateError {
    return new UpdateError("source", {
      operation,
      found: `${name} is not there`,
      advice: "copy the whole release, latest.json and the files that it names",
    });
  }
}
