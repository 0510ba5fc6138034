/**
 * Texts that the command line names.
 *
 * @module
 */

import { type Disk, readSmall, UpdateError } from "../../mod/core/mod.ts";
import { unreadable } from "./unreadable.ts";

/**
 * All of a file, as text.
 *
 * @throws {UpdateError} `usage` where it cannot be read, is longer than `limit` bytes, or is no UTF-8.
 */
export async function readText(
  disk: Disk,
  flag: string,
  path: string,
  limit: number,
): Promise<string> {
  const operation = `reading ${flag} ${path}`;
  try {
    const bytes = await readSmall(disk, path, limit);
    if (bytes) return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof TypeError) {
      throw new UpdateError("usage", { operation, found: "no text", advice: "give it in UTF-8" });
    }
    throw unreadable(operation, cause);
  }
  const found = `more than ${limit} bytes`;
  throw new UpdateError("usage", { operation, found, advice: "give the document of a node" });
}
