/**
 * Releases of one directory: what its `latest.json` announces, and whether all of that is there.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  type ArtifactName,
  MAX_SIGNATURE_FILE_BYTES,
  oneLine,
  reasonOf,
  type Release,
  SIGNATURE_SUFFIXES,
  UpdateError,
} from "../core/mod.ts";
import { type Latest, MAX_METADATA_BYTES, parseLatest, parseSteppingStones } from "../http/mod.ts";
import { fileInside, type FoundFile, namesOf } from "./_paths.ts";
import { LATEST_FILE, type Place } from "./_walk.ts";
import { BeingChecked, type DigestBook } from "./digest_book.ts";
import type { FileDigests } from "./stored_file.ts";

/** An artifact that is there, whole. */
export interface CompleteArtifact extends FoundFile {
  /** Which one. */
  readonly name: ArtifactName;
  /** Those of its bytes. */
  readonly digests: FileDigests;
}

/** A release, and its files. */
export interface CompleteRelease {
  /** What it is called below `/packages/`: another one for every other `latest.json`. */
  readonly id: string;
  /** What `latest.json` says of it. */
  readonly release: Release;
  /** Whether it is only on the way to another one. */
  readonly isStone: boolean;
  /** All of them; none where they lie on another host. */
  readonly artifacts: readonly CompleteArtifact[];
}

/** A small file, read when the directory was looked at. */
export interface Document {
  /** All of it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Their SHA-256 in hexadecimal. */
  readonly sha256: string;
  /** When it was last changed. */
  readonly modified: Date;
}

/** A directory with a `latest.json`. */
export interface ReleasePlace {
  /** As {@linkcode Place} has it. */
  readonly name: string;
  /**
   * `offered`: all is there. `checking`: digests are being computed. `incomplete`: something is missing, or
   * not what it should be. `broken`: `latest.json` is no good.
   */
  readonly state: "offered" | "checking" | "incomplete" | "broken";
  /** Why it is not offered, or not to everybody. */
  readonly problem?: string;
  /** What `latest.json` announces, also where it is not there: the newest, then those that lead to it. */
  readonly releases: readonly CompleteRelease[];
  /** `latest.json` and its signatures, by their names in the directory; none where it is not offered. */
  readonly documents: ReadonlyMap<string, Document>;
}

/** Beside a `latest.json`. */
const SIGNATURES = SIGNATURE_SUFFIXES.map((suffix) => `${LATEST_FILE}${suffix}`);

/** Looks at the directory; `root` is the real path of the one that is served. */
export async function readReleasePlace(
  root: string,
  { name, directory }: Place,
  book: DigestBook,
): Promise<ReleasePlace> {
  const nothing = { name, releases: [], documents: new Map<string, Document>() };
  let latest: Latest[];
  let document: Document;
  const home = homeOf(name);
  try {
    const found = await readDocument(root, directory, LATEST_FILE, MAX_METADATA_BYTES);
    if (!found) throw new Error("it is a link that leads out of the directory, or no file");
    document = found;
    const url = new URL(LATEST_FILE, home);
    latest = [
      parseLatest(document.bytes, url),
      ...parseSteppingStones({ bytes: document.bytes, url }),
    ];
  } catch (error) {
    const problem = error instanceof UpdateError ? error.found : reasonOf(error);
    return { ...nothing, state: "broken", problem: oneLine(`${LATEST_FILE}: ${problem}`) };
  }
  const announced = (artifacts: (one: Latest) => readonly CompleteArtifact[]) =>
    latest.map((one, at) => ({
      id: `${one.release.version}-${document.sha256.slice(0, 16)}`,
      release: one.release,
      isStone: at > 0,
      artifacts: artifacts(one),
    }));
  try {
    const documents = await readDocuments(root, directory, document);
    const complete = new Map<Latest, readonly CompleteArtifact[]>();
    // all that is missing is asked for before the first of it ends this
    const all = await Promise.allSettled(latest.map(async (one) => {
      complete.set(one, await completeArtifacts(root, home.host, one, book));
    }));
    const failures = all.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
    const worst = failures.find((one) => !(one instanceof BeingChecked)) ?? failures[0];
    if (worst) throw worst;
    const releases = announced((one) => complete.get(one) ?? []);
    const problem = releases.some(({ artifacts }) => artifacts.length === 0)
      ? "its files lie on another host: it is not offered over Omaha"
      : undefined;
    return { name, state: "offered", problem, releases, documents };
  } catch (error) {
    const state = error instanceof BeingChecked ? "checking" : "incomplete";
    const releases = announced(() => []);
    return { ...nothing, releases, state, problem: oneLine(reasonOf(error)) };
  }
}

/** Where relative addresses start: nobody else can name this host, so what leads to it lies in the root. */
function homeOf(name: string): URL {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return new URL(`http://${crypto.randomUUID()}.invalid/${path}${name && "/"}`);
}

/** The files of a release; none where they all lie on other hosts. */
async function completeArtifacts(
  root: string,
  host: string,
  { release, urls }: Latest,
  book: DigestBook,
): Promise<readonly CompleteArtifact[]> {
  const here = [...urls.values()].filter((url) => url.host === host);
  if (here.length === 0) return [];
  if (here.length < urls.size) throw new Error("some of its files lie on another host");
  const found: CompleteArtifact[] = [];
  for (const { name, sha256, size } of release.artifacts) {
    const names = namesOf((urls.get(name) as URL).pathname);
    const file = names && await fileInside(root, names);
    const where = `${name} of ${release.version}`;
    if (!file) throw new Error(`${where} is not there`);
    if (size !== undefined && file.info.size !== size) {
      throw new Error(`${where} has ${file.info.size} bytes of ${size}`);
    }
    const digests = book.of(file, where);
    if (digests.sha256 !== sha256) {
      throw new Error(`${where} does not have the SHA-256 that ${LATEST_FILE} says`);
    }
    found.push({ name, ...file, digests });
  }
  return found;
}

/** `latest.json`, and the signatures beside it. */
async function readDocuments(
  root: string,
  directory: string,
  latest: Document,
): Promise<ReadonlyMap<string, Document>> {
  const documents = new Map([[LATEST_FILE, latest]]);
  for (const name of SIGNATURES) {
    const document = await readDocument(root, directory, name, MAX_SIGNATURE_FILE_BYTES);
    if (document) documents.set(name, document);
  }
  return documents;
}

/** A small file, whole; undefined where there is none. */
async function readDocument(
  root: string,
  directory: string,
  name: string,
  limit: number,
): Promise<Document | undefined> {
  const steps = directory === root ? [] : directory.slice(root.length + 1).split("/");
  const found = await fileInside(root, [...steps, name]);
  if (!found) return undefined;
  if (found.info.size > limit) throw new Error(`${name} has more than ${limit} bytes`);
  const bytes = await Deno.readFile(found.path);
  return {
    bytes,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    modified: found.info.mtime ?? new Date(0),
  };
}
