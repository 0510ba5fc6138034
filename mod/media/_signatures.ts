/** Signatures that lie beside a document. */

import {
  type Disk,
  MAX_ROOT_BYTES,
  MAX_ROOTS_AT_ONCE,
  MAX_SIGNATURE_FILE_BYTES,
  repeatedMember,
  type RootChain,
  type Statement,
  UpdateError,
} from "../core/mod.ts";
import { readDocument } from "./_files.ts";

/** What is added to a document's name: the first that is there counts, as with HTTP. */
const SUFFIXES = [".sig", ".minisig"];

/** The document with the signatures beside it. */
export async function withSignatures(
  disk: Disk,
  directory: string,
  document: string,
  bytes: Uint8Array,
): Promise<Statement> {
  const missing: string[] = [];
  for (const suffix of SUFFIXES) {
    const name = `${document}${suffix}`;
    const signature = await readDocument(disk, directory, name, MAX_SIGNATURE_FILE_BYTES);
    const path = `${directory}/${name}`;
    if (signature) {
      return {
        name: `${directory}/${document}`,
        bytes,
        signatures: [{ name: path, bytes: signature }],
      };
    }
    missing.push(path);
  }
  return { name: `${directory}/${document}`, bytes, signatures: [], missing };
}

/** Every root `trust/N.json` in the directory has taken over; the first that is not there ends them. */
export async function followRoots(
  disk: Disk,
  directory: string,
  chain: RootChain,
): Promise<void> {
  for (let asked = 0; asked < MAX_ROOTS_AT_ONCE; asked++) {
    const name = `trust/${chain.next}.json`;
    const root = await readDocument(disk, directory, name, MAX_ROOT_BYTES);
    if (!root) return;
    await chain.extend(await withSignatures(disk, directory, name, root));
  }
}

/**
 * What is signed must not be read in two ways.
 *
 * @throws {UpdateError} `verification` where an object names a member twice.
 */
export function refuseRepeated(path: string, bytes: Uint8Array): void {
  const text = new TextDecoder().decode(bytes);
  let name: string | undefined;
  try {
    JSON.parse(text);
    name = repeatedMember(text);
  } catch {
    // what is no JSON gets its complaint from who reads it
  }
  if (name === undefined) return;
  throw new UpdateError("verification", {
    operation: `reading ${path}`,
    found: `the member ${JSON.stringify(name.slice(0, 40))} twice in one object`,
    advice: "have the release published again, with each member once",
  });
}
