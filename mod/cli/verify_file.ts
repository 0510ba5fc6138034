/**
 * A file and the signature beside it.
 *
 * @module
 */

import {
  MAX_ROOT_BYTES,
  reasonOf,
  SIGNATURE_SUFFIXES,
  type Statement,
  UpdateError,
} from "../core/mod.ts";
import { DenoDisk } from "../host/mod.ts";
import { parseRoot, type Root, RootTrust } from "../trust/mod.ts";
import { operatorPath, readIfThere, readOperatorFile } from "./operator_files.ts";
import { MAX_SIGNED_BYTES } from "./sign_files.ts";
import { trustKeys } from "./trust_keys.ts";

/** What `verify` was told; one of `pubkey` and `root`. */
export interface VerifyFlags {
  readonly pubkey?: string;
  readonly root?: string;
  readonly signature?: string;
}

/** What `verify` found. */
export interface Verified {
  /** The keys whose signatures are good. */
  readonly signedBy: readonly string[];
  /** Version of the root that the file is, where it takes over from the one that was given. */
  readonly takesOver?: number;
}

/**
 * Resolves where enough keys have signed exactly this file.
 *
 * @throws {UpdateError} `verification` where they have not; `usage` where a file cannot be used.
 */
export async function verifyFile(file: string, flags: VerifyFlags): Promise<Verified> {
  const statement = await statementOf(file, flags.signature);
  if (flags.pubkey !== undefined) {
    const trust = await trustKeys(new DenoDisk(), flags.pubkey, "--pubkey", operatorPath);
    return await trust.judge(statement);
  }
  const trust = new RootTrust(await readRoot(flags.root));
  const judged = await trust.judge(statement);
  if (!isRoot(statement.bytes)) return judged;
  const takesOver = trust.next;
  await trust.extend(statement);
  return { ...judged, takesOver };
}

async function statementOf(name: string, signature?: string): Promise<Statement> {
  const bytes = await readOperatorFile("FILE", name, MAX_SIGNED_BYTES);
  const missing = signature === undefined
    ? SIGNATURE_SUFFIXES.map((suffix) => `${name}${suffix}`)
    : [signature];
  for (const beside of missing) {
    // one that is too large is no good signature, rather than a file that cannot be used
    const found = await readIfThere("--signature", beside, MAX_SIGNED_BYTES);
    if (found) return { name, bytes, signatures: [{ name: beside, bytes: found }] };
  }
  return { name, bytes, signatures: [], missing };
}

async function readRoot(path: string | undefined): Promise<Root> {
  const unusable = (found: string, cause?: unknown) =>
    new UpdateError("usage", {
      operation: "reading --root",
      found,
      advice: "give --pubkey KEY, or --root with a trust.json",
      cause,
    });
  if (path === undefined) throw unusable("neither keys nor a root");
  try {
    return parseRoot(await readOperatorFile("--root", path, MAX_ROOT_BYTES));
  } catch (error) {
    throw error instanceof UpdateError ? error : unusable(`${path}: ${reasonOf(error)}`, error);
  }
}

function isRoot(bytes: Uint8Array): boolean {
  try {
    return parseRoot(bytes).version > 0;
  } catch {
    return false;
  }
}
