/**
 * Files that people work with on their own machines, where the program may do everything; in the
 * compiled agent they have to lie in its scope.
 *
 * @module
 */

import { resolve } from "@std/path";
import { readSmall, reasonOf, replaceFile, UpdateError } from "../core/mod.ts";
import { DenoDisk } from "../host/mod.ts";
import { scopedPath } from "./scope.ts";

/**
 * Where a file is that was named on the command line.
 *
 * @throws {UpdateError} `usage` where this program was compiled not to go there.
 */
export async function operatorPath(
  flag: string,
  path: string,
  access: "read" | "write",
): Promise<string> {
  const { state } = await Deno.permissions.query({ name: access });
  return state === "granted" ? resolve(path) : await scopedPath(flag, path, access);
}

/**
 * All of a file.
 *
 * @throws {UpdateError} `usage` where it cannot be read, or is longer than `limit` bytes.
 */
export async function readOperatorFile(
  flag: string,
  path: string,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readIfThere(flag, path, limit);
  return bytes ?? refuse(flag, path, "no such file");
}

/** {@linkcode readOperatorFile}; undefined where there is none. */
export async function readIfThere(
  flag: string,
  path: string,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const real = await operatorPath(flag, path, "read");
  let found = `more than ${limit} bytes`;
  try {
    const bytes = await readSmall(new DenoDisk(), real, limit);
    if (bytes) return bytes;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    found = reasonOf(error);
  }
  return refuse(flag, path, found);
}

/** Replaces a file, or makes it. */
export async function writeOperatorFile(
  flag: string,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const real = await operatorPath(flag, path, "write");
  try {
    await replaceFile(new DenoDisk(), real, bytes);
  } catch (error) {
    refuse(flag, path, reasonOf(error));
  }
}

/** Makes new files, all or none of them: each with its bytes and its permissions. */
export async function writeNewFiles(
  flag: string,
  files: readonly { readonly path: string; readonly text: string; readonly mode: number }[],
): Promise<void> {
  const made: string[] = [];
  for (const { path, text, mode } of files) {
    const real = await operatorPath(flag, path, "write");
    try {
      using file = await Deno.open(real, { write: true, createNew: true, mode });
      made.push(real);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      await file.sync();
    } catch (error) {
      for (const path of made) await Deno.remove(path);
      const there = error instanceof Deno.errors.AlreadyExists;
      refuse(
        flag,
        path,
        there ? "a file is there already, and keys are never overwritten" : reasonOf(error),
      );
    }
  }
}

function refuse(flag: string, path: string, found: string): never {
  throw new UpdateError("usage", {
    operation: `reading ${flag}`,
    found: `${path}: ${found}`,
    advice: "name another file",
  });
}
