/** Signatures that lie beside a document. */

import {
  type Disk,
  MAX_ROOT_BYTES,
  MAX_SIGNATURE_FILE_BYTES,
  SIGNATURE_SUFFIXES,
  type Statement,
} from "../core/mod.ts";
import { readDocument } from "./_files.ts";

/** The document with the signatures beside it. */
export async function withSignatures(
  disk: Disk,
  directory: string,
  document: string,
  bytes: Uint8Array,
): Promise<Statement> {
  const missing: string[] = [];
  for (const suffix of SIGNATURE_SUFFIXES) {
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

/** The root of this version, `trust/N.json` in the directory; undefined where it is not there. */
export async function findRoot(
  disk: Disk,
  directory: string,
  version: number,
): Promise<Statement | undefined> {
  const name = `trust/${version}.json`;
  const root = await readDocument(disk, directory, name, MAX_ROOT_BYTES);
  return root && await withSignatures(disk, directory, name, root);
}
