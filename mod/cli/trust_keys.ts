/**
 * Keys that the settings name.
 *
 * @module
 */

import { type Disk, readSmall, reasonOf, type Trust, UpdateError } from "../core/mod.ts";
import {
  KeyTrust,
  MAX_KEY_FILE_BYTES,
  parseKeyWord,
  parsePublicKeys,
  type PublicKey,
} from "../trust/mod.ts";
import { scopedPath } from "./scope.ts";

/**
 * Trust in the keys that `pubkey` names: files, or keys themselves, separated by commas. One signature
 * of any of them is enough.
 *
 * @throws {UpdateError} `usage`, naming `where`, where one cannot be used: then nothing is taken at all.
 */
export async function trustKeys(
  disk: Disk,
  pubkey: string,
  where: string,
  pathOf: typeof scopedPath = scopedPath,
): Promise<Trust> {
  const keys: PublicKey[] = [];
  for (const word of pubkey.split(",").map((word) => word.trim())) {
    const named = /[/.]/.test(word) && !parsesAsKey(word);
    try {
      keys.push(
        ...named ? await readKeys(disk, await pathOf(where, word, "read")) : parsePublicKeys(word),
      );
    } catch (error) {
      throw unusable(where, named ? `${word}: ` : "", error);
    }
  }
  try {
    return new KeyTrust(keys);
  } catch (error) {
    throw unusable(where, "", error);
  }
}

/** A key in base64 may have slashes as well. */
function parsesAsKey(word: string): boolean {
  try {
    return parseKeyWord(word) !== undefined;
  } catch {
    return true;
  }
}

async function readKeys(disk: Disk, path: string): Promise<PublicKey[]> {
  const bytes = await readSmall(disk, path, MAX_KEY_FILE_BYTES);
  if (!bytes) throw new Error(`more than ${MAX_KEY_FILE_BYTES} bytes`);
  return parsePublicKeys(new TextDecoder().decode(bytes));
}

function unusable(where: string, prefix: string, error: unknown): UpdateError {
  if (error instanceof UpdateError) return error;
  return new UpdateError("usage", {
    operation: `reading ${where}`,
    found: prefix + reasonOf(error),
    advice:
      "give an Ed25519 public key in base64 or hexadecimal, or a file of it, in PEM or minisign's",
    cause: error,
  });
}
