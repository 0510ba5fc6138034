/**
 * How an API server is reached, and by whom.
 *
 * @module
 */

import { type Disk, readSmall, reasonOf } from "../core/mod.ts";

/** Most bytes that are read of a kubeconfig, a certificate, a key or a token. */
export const MAX_ACCESS_BYTES = 1 << 20;

/** Everything that a request needs. */
export interface ClusterAccess {
  /** What told all this, for messages: a file. */
  readonly from: string;
  /** The API server, https. */
  readonly server: URL;
  /** Certificates, PEM, of the authority that the server's certificate is of. */
  readonly authority?: string;
  /** The client's certificate and key, PEM. */
  readonly client?: { readonly certificate: string; readonly key: string };
  /** A bearer token. */
  readonly token?: string;
}

/** Reads it anew for every question: at a node's start it may not be there yet, and tokens change. */
export type AccessReader = () => Promise<ClusterAccess>;

/**
 * The text of a file that `named` names.
 *
 * @throws {Error} that says which file, and what is wrong with it.
 */
export async function readText(disk: Disk, path: string, named: string): Promise<string> {
  let problem = `more than ${MAX_ACCESS_BYTES} bytes`;
  try {
    const bytes = await readSmall(disk, path, MAX_ACCESS_BYTES);
    if (bytes) return new TextDecoder().decode(bytes);
  } catch (error) {
    problem = reasonOf(error);
    if (error instanceof Deno.errors.NotFound) problem = "no such file";
    if (error instanceof Deno.errors.NotCapable) {
      problem = "it lies outside of what this program may read";
    }
  }
  throw new Error(`${named} ${path}: ${problem}`);
}
