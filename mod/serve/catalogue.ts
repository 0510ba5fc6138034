/**
 * What a directory has to offer, looked at again and again.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../core/mod.ts";
import { findPlaces } from "./_walk.ts";
import type { DigestBook } from "./digest_book.ts";
import { RESCAN_MS } from "./limits.ts";
import { type CompleteRelease, readReleasePlace, type ReleasePlace } from "./release_place.ts";
import { readRepositoryPlace, type RepositoryPlace, ROOT_REPOSITORY } from "./repository_place.ts";

/** What was there at one moment. */
export interface Contents {
  /** Directories with a `latest.json`, by their names. */
  readonly places: ReadonlyMap<string, ReleasePlace>;
  /** Releases of which all files are here, by their ids. */
  readonly releases: ReadonlyMap<string, readonly [CompleteRelease, ReleasePlace]>;
  /** Image layouts, by the names of their repositories. */
  readonly repositories: ReadonlyMap<string, RepositoryPlace>;
  /** What could not be looked at, and why, by names of directories. */
  readonly problems: ReadonlyMap<string, string>;
}

const NOTHING: Contents = {
  places: new Map(),
  releases: new Map(),
  repositories: new Map(),
  problems: new Map(),
};

/**
 * The real path of a directory that can be served.
 *
 * @throws {UpdateError} `usage` where there is none.
 */
export async function servedRoot(directory: string): Promise<string> {
  const refuse = (found: string, cause?: unknown) =>
    new UpdateError("usage", {
      operation: `looking into ${directory}`,
      found,
      advice: "make the directory, and put releases into it; it may be empty for now",
      cause,
    });
  try {
    const root = await Deno.realPath(directory);
    if (!(await Deno.stat(root)).isDirectory) throw refuse("no directory");
    for await (const _ of Deno.readDir(root)) break;
    return root;
  } catch (cause) {
    if (cause instanceof UpdateError) throw cause;
    const isMissing = cause instanceof Deno.errors.NotFound;
    throw refuse(isMissing ? "no such directory" : reasonOf(cause), cause);
  }
}

/** What errors of the system say where the process, or all of them, have too many files open. */
const OUT_OF_FILES = /\(os error 2[34]\)/;

/** Why what is not offered is not. */
function reasonsIn({ places, repositories, problems }: Contents): readonly string[] {
  return [
    ...problems.values(),
    ...[...places.values()].map(({ problem = "" }) => problem),
    ...[...repositories.values()].flatMap((one) => [...one.problems.values()]),
  ];
}

/** How many times as long as it looks it rests. */
const REST_PER_LOOK = 10;

/** Milliseconds of computing digests between two looks. */
const WORK_MS = 1000;

/** A directory, and what it has to offer. */
export class Catalogue {
  /** Its real path. */
  readonly root: string;
  readonly #book: DigestBook;
  #contents = NOTHING;

  private constructor(root: string, book: DigestBook) {
    this.root = root;
    this.#book = book;
  }

  /**
   * The directory, looked at once.
   * @throws {UpdateError} `usage` where there is none.
   */
  static async open(directory: string, book: DigestBook): Promise<Catalogue> {
    const catalogue = new Catalogue(await servedRoot(directory), book);
    await catalogue.look();
    return catalogue;
  }

  /** What was there when it was last looked at. */
  get contents(): Contents {
    return this.#contents;
  }

  /**
   * Looks at the directory. Never throws: what is wrong is in the contents, which stay as they are where
   * nothing can be seen for so many open files.
   */
  async look(): Promise<void> {
    const { releases: found, layouts, problems } = await findPlaces(this.root);
    const all = new Map(problems);
    const places = new Map<string, ReleasePlace>();
    const releases = new Map<string, readonly [CompleteRelease, ReleasePlace]>();
    for (const place of found) {
      try {
        const read = await readReleasePlace(this.root, place, this.#book);
        places.set(place.name, read);
        for (const release of read.releases) {
          if (release.artifacts.length > 0) releases.set(release.id, [release, read]);
        }
      } catch (error) {
        all.set(place.name, reasonOf(error));
      }
    }
    const repositories = new Map<string, RepositoryPlace>();
    for (const layout of layouts) {
      const before = this.#contents.repositories.get(layout.name || ROOT_REPOSITORY);
      const read = await readRepositoryPlace(this.root, layout, this.#book, before);
      // a directory of that name goes before the served one itself
      repositories.set(read.name, read);
    }
    const contents = { places, releases, repositories, problems: all };
    if (!reasonsIn(contents).some((reason) => OUT_OF_FILES.test(reason))) this.#contents = contents;
  }

  /** Looks until no digest is missing. */
  async settle(): Promise<void> {
    await this.look();
    while (this.#book.isBusy) {
      await this.#book.work(WORK_MS);
      await this.look();
    }
  }

  /** Looks again and again until `signal`; `looked` is called each time. */
  async watch(signal: AbortSignal, looked: () => void): Promise<void> {
    for (let took = 0; !signal.aborted;) {
      if (this.#book.isBusy) await this.#book.work(WORK_MS, signal);
      // a directory in which looking takes long is looked at less often
      else await sleep(Math.max(RESCAN_MS, REST_PER_LOOK * took), signal);
      if (signal.aborted) return;
      const began = performance.now();
      await this.look();
      took = performance.now() - began;
      looked();
    }
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      // the signal outlives many sleeps
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener("abort", wake);
  });
}
