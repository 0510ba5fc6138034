/**
 * Small text files that an operator has named.
 *
 * @module
 */

import { type Disk, readSmall, reasonOf, UpdateError } from "../core/mod.ts";

/**
 * All of a text file.
 *
 * @param limit Most bytes that it may have.
 * @param advice What to do where it is no good.
 * @throws {UpdateError} `usage` where it is longer or cannot be read; then the disk's error is the cause.
 */
export async function readSmallText(
  disk: Disk,
  path: string,
  limit: number,
  advice: string,
): Promise<string> {
  const operation = `reading ${path}`;
  const bytes = await readSmall(disk, path, limit).catch((cause) => {
    throw new UpdateError("usage", { operation, found: reasonOf(cause), advice, cause });
  });
  if (bytes) return new TextDecoder().decode(bytes);
  throw new UpdateError("usage", { operation, found: `more than ${limit} bytes`, advice });
}
