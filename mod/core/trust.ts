/**
 * Trust: metadata are judged by their signatures before anything in them is read, whatever the source.
 *
 * @module
 */

import { UpdateError } from "./errors.ts";
import type { Floor } from "./floor.ts";
import type { Release } from "./release.ts";
import type { Candidate } from "./state.ts";

/** Most bytes of one file of signatures: they are read before anybody has vouched for them. */
export const MAX_SIGNATURE_FILE_BYTES: number = 32 << 10;

/**
 * What is added to a document's name for that of its signatures: bare or in base64, or minisign's. In the
 * order in which they are looked for: the first that is there counts.
 */
export const SIGNATURE_SUFFIXES: readonly [string, string] = [".sig", ".minisig"];

/** A file of detached signatures, as it was found. */
export interface SignatureFile {
  /** For messages: where it was found. */
  readonly name: string;
  /** Its bytes, in any of the formats that the trust reads. */
  readonly bytes: Uint8Array;
}

/** Metadata as they came. */
export interface Statement {
  /** For messages: where they came from. */
  readonly name: string;
  /** The exact bytes that are to be signed. */
  readonly bytes: Uint8Array;
  /** What was found beside them. One that is no good counts as absent, so that nobody can spoil the others. */
  readonly signatures: readonly SignatureFile[];
  /** For messages: where signatures were looked for in vain. */
  readonly missing?: readonly string[];
}

/** What a statement is worth. */
export interface Judgement {
  /** The keys whose signatures are good, each once, as they may be shown; as many as are wanted, or more. */
  readonly signedBy: readonly string[];
}

/** Whom a node believes. Where no key is configured, there is none of it, and nothing is asked. */
export interface Trust {
  /** What it wants, for people: `a signature of key 0123456789ABCDEF`. */
  readonly wanted: string;
  /**
   * Resolves where enough of its keys have signed these very bytes. Nothing in them is read.
   * @throws {UpdateError} `verification`, saying what was found instead.
   */
  judge(statement: Statement): Promise<Judgement>;
  /** Whether enough keys of an earlier judgement, {@linkcode Judgement.signedBy}, are believed now. */
  stillBelieves(signedBy: readonly string[]): boolean;
  /** How it is handed on to other keys; absent where it cannot be. */
  readonly chain?: RootChain;
}

/** Most roots that a source is asked for at once; what comes after them comes with the next update. */
export const MAX_ROOTS_AT_ONCE = 32;

/** Most bytes of one root. */
export const MAX_ROOT_BYTES: number = 64 << 10;

/** Roots, each of which says whom to believe until the next one does. */
export interface RootChain {
  /** Version of the root that would come next. */
  readonly next: number;
  /**
   * Resolves when the root in `statement`, which is the next one, has taken over.
   * @throws {UpdateError} `verification` where those who are believed now have not signed it.
   */
  extend(statement: Statement): Promise<void>;
}

/**
 * Every root that `find` finds has taken over, {@linkcode MAX_ROOTS_AT_ONCE} at the most: it is asked for
 * one version after the other, and the first that it does not have ends them.
 *
 * @throws {UpdateError} `verification` where one may not take over.
 */
export async function followRoots(
  chain: RootChain,
  find: (version: number) => Promise<Statement | undefined>,
): Promise<void> {
  for (let asked = 0; asked < MAX_ROOTS_AT_ONCE; asked++) {
    const root = await find(chain.next);
    if (!root) return;
    await chain.extend(root);
  }
}

/** Version of the root that a trust goes by; undefined where it has none. */
export function rootVersion(trust: Trust | undefined): number | undefined {
  return trust?.chain && trust.chain.next - 1;
}

/**
 * The release, if a trust has judged what it was read from, or nobody wants that: every release of every
 * source goes through here before a gate sees it.
 *
 * @throws {UpdateError} `verification` where a signature is wanted and the source asked for none, or the
 * root that it was judged by is older than one that the node has had.
 */
export function believed(
  release: Release,
  trust: Trust | undefined,
  { root_version: had = 0 }: Floor = {},
): Release {
  const root = rootVersion(trust);
  if (root !== undefined && root < had) {
    throw new UpdateError("verification", {
      operation: "looking at the root of trust",
      found: `version ${root}, where this node has had version ${had}`,
      advice: "have the roots after it published again, or give the node a newer one",
    });
  }
  if (!trust || release.signedBy?.length) return release;
  throw new UpdateError("verification", {
    operation: "looking for a signature",
    found: `wanted ${trust.wanted}, found a source that has none`,
    advice: "take updates from a source with signatures, or configure no key",
  });
}

/**
 * Returns where what was staged would be believed now as well: keys may have been revoked since, or others
 * configured.
 *
 * @throws {UpdateError} `verification` where too few of those who had signed it are believed.
 */
export function requireStillBelieved(
  { version, signed_by = [] }: Pick<Candidate, "version" | "signed_by">,
  trust: Trust | undefined,
): void {
  if (!trust || trust.stillBelieves(signed_by)) return;
  const found = signed_by.length > 0 ? `those of ${signed_by.join(", ")}` : "none";
  throw new UpdateError("verification", {
    operation: `activating ${version}`,
    found: `wanted ${trust.wanted}, found ${found} when it was staged`,
    advice:
      "run `kubesolo-update apply`: it looks at what the source has now, and who has signed it",
  });
}
