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
import { type PublicKey, requireDistinct, showKey, shownId } from "./public_key.ts";
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
      const read = readAll(statement);
      const signers = this.#keys.filter((key) =>
        read.signatures.some((signature) => isSignedBy(key, statement.bytes, signature))
      );
      const signedBy = signers.map(showKey);
      if (signers.length >= this.#threshold) return { signedBy };
      throw this.#refusal(statement, signedBy, read);
    });
  }

  /** Whether enough of the keys that had signed something are among these; what they are called is nothing. */
  stillBelieves(signedBy: readonly string[]): boolean {
    const ids = signedBy.map(shownId);
    return this.#keys.filter(({ id }) => ids.includes(id)).length >= this.#threshold;
  }

  #refusal(
    { name, missing = [] }: Statement,
    signedBy: readonly string[],
    read: Read,
  ): UpdateError {
    const found = signedBy.length > 0
      ? `that of ${signedBy.join(", ")} alone`
      : read.faults.at(0) ?? this.#strange(read.signatures) ??
        (missing.length > 0 ? `none at ${missing.join(", ")}` : "none");
    return new UpdateError("verification", {
      operation: `checking the signature of ${name}`,
      found: `wanted ${this.wanted}, found ${found}`,
      advice: "sign the file exactly as it is published, with a key that this node knows, " +
        "or see who has changed it on its way; nothing in it was believed",
    });
  }

  /** What is to be said of signatures that count for nothing; undefined where there are none. */
  #strange(signatures: readonly Signature[]): string | undefined {
    if (signatures.length === 0) return undefined;
    const known = new Set(this.#keys.map(({ id }) => id));
    const strangers = signatures.map(({ minisign }) => minisign?.keyId)
      .filter((id) => id !== undefined && !known.has(id));
    return strangers.length === signatures.length
      ? `one of key ${strangers[0]}`
      : "one of another key, or over other bytes";
  }
}

/** What was found beside a statement. */
interface Read {
  readonly signatures: readonly Signature[];
  /** What is wrong with files that count for nothing. */
  readonly faults: readonly string[];
}

function readAll({ signatures: files }: Statement): Read {
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
