/**
 * What a stick carries for the node that it becomes.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../../core/mod.ts";
import { mustBeNamed, type NewFile } from "../../provision/mod.ts";

/** What is copied of the data partition: all but what the stick itself has lived through. */
const CARRIED = ["etc-kubesolo", "cloud", "kubesolo/bundle"];

/** Most files. */
const MAX_FILES = 1000;

/**
 * The files below `data`, where the data partition is mounted, and how many bytes they have.
 *
 * @throws {UpdateError} `slot` where they are too many or cannot be read; as {@linkcode mustBeNamed} does.
 */
export async function carriedFiles(data: string): Promise<{ files: NewFile[]; bytes: number }> {
  const files: NewFile[] = [];
  let bytes = 0;
  for (const top of CARRIED) {
    for await (const { path, size, mode } of filesBelow(data, top)) {
      files.push({ path, source: `${data}/${path}`, mode: mode & 0o777 });
      bytes += size;
      if (files.length > MAX_FILES) {
        throw unreadable(`more than ${MAX_FILES} files in ${CARRIED.join(", ")}`);
      }
    }
  }
  mustBeNamed(files);
  return { files, bytes };
}

interface Found {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
}

async function* filesBelow(data: string, path: string): AsyncIterable<Found> {
  // links and devices are not for a stick to bring
  const info = await Deno.lstat(`${data}/${path}`).catch((cause) => {
    // one that the stick does not give back is not one that it does not have
    if (!(cause instanceof Deno.errors.NotFound)) throw unreadable(reasonOf(cause), cause);
  });
  if (info?.isFile) yield { path, size: info.size, mode: info.mode ?? 0o600 };
  if (!info?.isDirectory) return;
  const names = await Array.fromAsync(Deno.readDir(`${data}/${path}`), ({ name }) => name);
  for (const name of names.sort()) yield* filesBelow(data, `${path}/${name}`);
}

function unreadable(found: string, cause?: unknown): UpdateError {
  return new UpdateError("slot", {
    operation: "reading what the stick carries",
    found,
    advice: "provision the stick anew",
    cause,
  });
}
