/**
 * A file and the signature beside it.
 *
 * @module
 */

import { type Judgement, MAX_SIGNATURE_FILE_BYTES } from "../core/mod.ts";
import { DenoDisk } from "../host/mod.ts";
import { operatorPath, readIfThere, readOperatorFile } from "./operator_files.ts";
import { MAX_SIGNED_BYTES } from "./sign_files.ts";
import { trustKeys } from "./trust_keys.ts";

/**
 * Resolves where a key has signed exactly this file.
 *
 * @throws {UpdateError} `verification` where none has; `usage` where a file cannot be used.
 */
export async function verifyFile(
  file: string,
  { pubkey, signature }: { readonly pubkey: string; readonly signature?: string },
): Promise<Judgement> {
  const trust = await trustKeys(new DenoDisk(), pubkey, "--pubkey", operatorPath);
  const bytes = await readOperatorFile("FILE", file, MAX_SIGNED_BYTES);
  const names = signature === undefined ? [`${file}.sig`, `${file}.minisig`] : [signature];
  for (const name of names) {
    const found = await readIfThere("--signature", name, MAX_SIGNATURE_FILE_BYTES);
    if (found) {
      return await trust.judge({ name: file, bytes, signatures: [{ name, bytes: found }] });
    }
  }
  return await trust.judge({ name: file, bytes, signatures: [], missing: names });
}
