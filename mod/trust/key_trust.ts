/**
 * Trust in keys: so many of them have to have signed.
 *
 * @module
 */

import {
  type Judgement,
  oneLine,
  reasonOf,
  type Statement,
  type Trust,
  UpdateError,
} from "../core/mod.ts";
import { MAX_SIGNATURES } from "./limits.ts";
import { type PublicKey, requireDistinct, showKey } from "./public_key.ts";
import { isSignedBy, parseSignatures, type Signature } from "./signature_file.ts";

/** Believes what at least `threshold` of its keys have signed. */
export class KeyTrust implements Trust {
  /** What it wants, for people. */
  readonly wanted: string;
  readonly #keys: readonly PublicKey[];
  readonly #threshold: number;

  /**
   * Trust in these keys, so many of which have to have signed.
   * @throws {Error} where a key is there twice, or the threshold is none that they can reach.
   */
  constructor(keys: readonly PublicKey[], threshold = 1) {
    requireDistinct(keys);
    if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > keys.length) {
      throw new Error(`a threshold of ${threshold} for ${keys.length} keys`);
    }
    this.#keys = keys;
    this.#threshold = threshold;
    const names = keys.map(showKey).join(", ");
    this.wanted = keys.length === 1
      ? `a signature of key ${names}`
      : `signatures of ${threshold} of the keys ${names}`;
  }

  /**
   * Resolves where enough keys have signed exactly these bytes; each counts once.
   * @throws {UpdateError} `verification`, saying what was found instead.
   */
  judge(statement: Statement): Promise<Judgement> {
    return Promise.try(() => {
      const { signatures, faults } = readAll(statement);
      const signers = this.#keys.filter((key) =>
        signatures.some((signature) => isSignedBy(key, statement.bytes, signature))
      );
      const signedBy = signers.map(showKey);
      if (signers.length >= this.#threshold) return { signedBy };
      throw this.#refusal(statement, found(statement, signatures, signedBy, faults, this.#keys));
    });
  }

  #refusal({ name }: Statement, found: string): UpdateError {
    return new UpdateError("verification", {
      operation: `checking the signature of ${name}`,
      found: `wanted ${this.wanted}, found ${found}`,
      advice: "sign the file exactly as it is published, with a key that this node knows, " +
        "or see who has changed it on its way; nothing in it was believed",
    });
  }
}

function readAll(
  { signatures: files }: Statement,
): { signatures: readonly Signature[]; faults: readonly string[] } {
  const signatures: Signature[] = [];
  const faults: string[] = [];
  for (const { name, bytes } of files.slice(0, MAX_SIGNATURES)) {
    try {
      signatures.push(...parseSignatures(bytes));
    } catch (error) {
      faults.push(`${oneLine(name)}, which cannot be read: ${reasonOf(error)}`);
    }
  }
  if (files.length > MAX_SIGNATURES || signatures.length > MAX_SIGNATURES) {
    return { signatures: [], faults: [`more than ${MAX_SIGNATURES} signatures`] };
  }
  return { signatures, faults };
}

/** Why that is not enough. */
function found(
  { missing = [] }: Statement,
  signatures: readonly Signature[],
  signedBy: readonly string[],
  faults: readonly string[],
  keys: readonly PublicKey[],
): string {
  if (signedBy.length > 0) return `that of ${signedBy.join(", ")} alone`;
  if (faults.length > 0) return faults[0];
  if (signatures.length === 0) return missing.length > 0 ? `none at ${missing.join(", ")}` : "none";
  const named = signatures.flatMap(({ minisign }) => minisign ? [minisign.keyId] : []);
  const stranger = named.length === signatures.length &&
    named.find((id) => !keys.some((key) => key.id === id));
  if (stranger) return `one of key ${stranger}`;
  return "one of another key, or over other bytes";
}
