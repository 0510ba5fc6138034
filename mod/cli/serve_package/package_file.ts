/**
 * The file that `serve-package` serves.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { normalize } from "@std/path";
import { reasonOf, UpdateError } from "../../core/mod.ts";
import { PACKAGE_NAME, type ServedPackage } from "../../omaha/mod.ts";
import { operatorPath } from "../operator_files.ts";
import { SCOPE } from "../scope.ts";

const FLAG = "--package-file";
const CHUNK_BYTES = 256 << 10;

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
    const [sha1, sha256] = [createHash("sha1"), createHash("sha256")];
    for await (const chunk of (await Deno.open(path)).readable) {
      sha1.update(chunk);
      sha256.update(chunk);
    }
    const digest = sha256.digest();
    const { size, mtime } = before;
    return {
      version,
      size,
      modified: mtime ?? new Date(),
      tag: digest.toString("hex"),
      hash: sha1.digest("base64"),
      hash_sha256: digest.toString("base64"),
      async open(offset, length) {
        const opened = await Deno.open(path);
        try {
          const now = await opened.stat();
          if (now.size !== size || now.mtime?.getTime() !== mtime?.getTime()) {
            throw new Error(`${path} has changed since it was hashed`);
          }
          await opened.seek(offset, Deno.SeekMode.Start);
        } catch (error) {
          opened.close();
          throw error;
        }
        return part(opened, length);
      },
    };
  } catch (cause) {
    const found = cause instanceof Deno.errors.NotFound ? "no such file" : reasonOf(cause);
    throw refuse(`${file}: ${found}`, "name the file of an update", cause);
  }
}

/** So many of a file's bytes from where it stands. */
function part(file: Deno.FsFile, length: number): ReadableStream<Uint8Array> {
  let left = length;
  return new ReadableStream({
    async pull(controller) {
      const buffer = new Uint8Array(Math.min(CHUNK_BYTES, left));
      const read = left === 0 ? null : await file.read(buffer);
      if (read !== null) {
        left -= read;
        controller.enqueue(buffer.subarray(0, read));
      }
      if (left > 0 && read !== null) return;
      file.close();
      if (left > 0) controller.error(new Error("the file has become shorter"));
      else controller.close();
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
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
