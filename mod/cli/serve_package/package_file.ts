/**
 * The file that `serve-package` serves.
 *
 * @module
 */

import { normalize } from "@std/path";
import { reasonOf, UpdateError } from "../../core/mod.ts";
import { PACKAGE_NAME, type ServedPackage } from "../../omaha/mod.ts";
import { digestsOf, storedFile } from "../../serve/mod.ts";
import { operatorPath } from "../operator_files.ts";
import { SCOPE } from "../scope.ts";

const FLAG = "--package-file";

/**
 * The package in a file: hashed now, and read anew for each client.
 *
 * @throws {UpdateError} `usage` where it cannot be read, or is no file, or empty.
 */
export async function openPackage(file: string, version: string): Promise<ServedPackage> {
  const path = await packagePath(file);
  try {
    const before = await Deno.stat(path);
    if (!before.isFile || before.size === 0) {
      throw new Error(before.isFile ? "an empty file" : "not a file");
    }
    const { sha1, sha256 } = await digestsOf(path);
    return {
      ...storedFile(path, before, { tag: sha256 }),
      version,
      hash: sha1,
      hash_sha256: Uint8Array.fromHex(sha256).toBase64(),
    };
  } catch (cause) {
    const found = cause instanceof Deno.errors.NotFound ? "no such file" : reasonOf(cause);
    throw refuse(`${file}: ${found}`, "name the file of an update", cause);
  }
}

/**
 * A compiled agent reads its own places, and `update.gz` in the directory that it is started in; a link
 * of that name would lead anywhere.
 */
async function packagePath(file: string): Promise<string> {
  const { state } = await Deno.permissions.query({ name: "read" });
  if (state !== "granted" && normalize(file) === PACKAGE_NAME) {
    try {
      if ((await Deno.lstat(PACKAGE_NAME)).isSymlink) {
        throw refuse(`${file} is a link`, "put the file itself there");
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return PACKAGE_NAME;
  }
  try {
    return await operatorPath(FLAG, file, "read");
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    throw refuse(
      error.found,
      `name ${PACKAGE_NAME} in the current directory or a file inside ${SCOPE.read.join(", ")}, ` +
        "or run deno task serve-package from a checkout",
      error,
    );
  }
}

function refuse(found: string, advice: string, cause?: unknown): UpdateError {
  return new UpdateError("usage", { operation: `reading ${FLAG}`, found, advice, cause });
}
