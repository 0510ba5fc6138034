/**
 * The public keys that a node is provisioned with.
 *
 * @module
 */

import { basename } from "@std/path";
import { type Disk, UpdateError } from "../../mod/core/mod.ts";
import { readNodeDocuments } from "../../mod/cli/cloud_init/node_documents.ts";
import { readText } from "./read_text.ts";

/** Most bytes of a file of them. */
const MAX_KEY_FILE_BYTES = 64 << 10;

/**
 * The keys in the file that `given` names, or those that it is, as lines of authorized_keys.
 *
 * @throws {UpdateError} `usage` where there is none, or anything else; a private key is never shown.
 */
export async function publicKeysOf(disk: Disk, given: string): Promise<readonly string[]> {
  // a private key that is given itself is no name of a file: it is not to be shown, or to be in a log
  const isText = /^(?:ssh|ecdsa|sk)-\S+ /.test(given) || /PRIVATE KEY|\n/.test(given);
  const text = isText ? given : await readText(disk, "--ssh-key", given, MAX_KEY_FILE_BYTES);
  const operation = `reading --ssh-key${isText ? "" : ` ${given}`}`;
  if (text.includes("PRIVATE KEY")) {
    throw new UpdateError("usage", {
      operation,
      found: "a private key, which is to leave this machine never",
      advice: `give the public one, such as ${isText ? "id_ed25519" : basename(given)}.pub`,
    });
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.flatMap((line, at) =>
    line && !line.startsWith("#")
      ? checkedKeys(line, isText ? operation : `${operation}:${at + 1}`)
      : []
  );
  if (keys.length > 0) return keys;
  const advice = "give a line such as id_ed25519.pub has, or the file";
  throw new UpdateError("usage", { operation, found: "no public key", advice });
}

/** The key as the node takes it. */
function checkedKeys(line: string, operation: string): readonly string[] {
  const text = `#cloud-config\nssh_authorized_keys: [${JSON.stringify(line)}]\n`;
  try {
    return readNodeDocuments({ userData: { file: "", text } }).keys?.value ?? [];
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    throw new UpdateError("usage", { operation, found: error.found, advice: error.advice });
  }
}
