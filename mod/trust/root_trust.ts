/**
 * Trust in a root, which hands it on to the next one.
 *
 * @module
 */

import {
  type Judgement,
  oneLine,
  reasonOf,
  type RootChain,
  type Statement,
  type Trust,
  UpdateError,
} from "../core/mod.ts";
import { KeyTrust } from "./key_trust.ts";
import { parseRoot, type Root } from "./root.ts";

/**
 * Believes what enough keys of its root have signed. The next root takes its place where enough keys of
 * both have signed that one: whoever holds too few keys of the old one cannot bring in keys of their
 * own, and nobody can bring in keys that do not sign.
 */
export class RootTrust implements Trust, RootChain {
  #root: Root;
  #keys: KeyTrust;
  readonly #keep: (bytes: Uint8Array, root: Root) => Promise<void>;

  /** `keep` makes a root that took over durable; where it fails, nothing has changed. */
  constructor(
    root: Root,
    keep: (bytes: Uint8Array, root: Root) => Promise<void> = () => Promise.resolve(),
  ) {
    this.#root = root;
    this.#keys = new KeyTrust(root.keys, root.threshold);
    this.#keep = keep;
  }

  /** What it wants, for people. */
  get wanted(): string {
    return this.#keys.wanted;
  }

  /** It can be handed on. */
  get chain(): RootChain {
    return this;
  }

  /** Version of the root that would come next. */
  get next(): number {
    return this.#root.version + 1;
  }

  /**
   * Resolves where enough keys have signed exactly these bytes.
   * @throws {UpdateError} `verification`, saying what was found instead.
   */
  judge(statement: Statement): Promise<Judgement> {
    return this.#keys.judge(statement);
  }

  /** Whether enough of the keys that had signed something are this root's. */
  stillBelieves(signedBy: readonly string[]): boolean {
    return this.#keys.stillBelieves(signedBy);
  }

  /**
   * Resolves when the root in `statement` has taken over, durably.
   * @throws {UpdateError} `verification` where too few keys of the old root or of the new one have signed
   * it, its version is not the next one, or it takes a revocation back.
   */
  async extend(statement: Statement): Promise<void> {
    await this.#keys.judge(statement);
    const root = this.#read(statement);
    const keys = new KeyTrust(root.keys, root.threshold);
    await keys.judge(statement);
    await this.#keep(statement.bytes, root);
    this.#root = root;
    this.#keys = keys;
  }

  #read({ name, bytes }: Statement): Root {
    const refuse = (found: string, cause?: unknown) =>
      new UpdateError("verification", {
        operation: `reading ${oneLine(name)}`,
        found,
        advice: "publish the roots in order, each signed by the keys before it and its own",
        cause,
      });
    let root: Root;
    try {
      root = parseRoot(bytes);
    } catch (error) {
      throw refuse(reasonOf(error), error);
    }
    if (root.version !== this.next) {
      throw refuse(`version ${root.version}, where ${this.next} was wanted`);
    }
    const forgiven = this.#root.revoked.find(({ bytes }) =>
      !root.revoked.some((key) => key.bytes.toHex() === bytes.toHex())
    );
    if (forgiven) throw refuse(`key ${forgiven.id}, which was revoked, is so no more`);
    return root;
  }
}
