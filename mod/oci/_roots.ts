/** Roots of trust in a registry: the next one lies under the tag `trust-N`, with its signatures. */

import {
  MAX_ROOT_BYTES,
  MAX_ROOTS_AT_ONCE,
  type RootChain,
  type SignatureFile,
} from "../core/mod.ts";
import type { ReadOnlyTarget } from "../oras/mod.ts";
import { refuse } from "./_metadata.ts";
import { smallBlob, smallManifest, unlessNone } from "./_small.ts";
import { MAX_ROOT_SIGNATURE_LAYERS, ROOT_TYPE, SIGNATURE_TYPE } from "./release_terms.ts";

/**
 * Every root that lies beside the release has taken over; the first that is not there ends them.
 *
 * @throws {UpdateError} `verification` where one may not take over; {@linkcode OrasError} where the target
 * does not answer.
 */
export async function followRoots(
  target: ReadOnlyTarget,
  name: string,
  chain: RootChain,
  signal?: AbortSignal,
): Promise<void> {
  for (let asked = 0; asked < MAX_ROOTS_AT_ONCE; asked++) {
    const tag = `trust-${chain.next}`;
    const named = await unlessNone(() => target.resolve(tag));
    if (!named) return;
    const where = `${name}, tag ${tag}`;
    const { layers = [] } = await smallManifest(target, named, signal) ?? {};
    const root = layers.find(({ mediaType }) => mediaType === ROOT_TYPE);
    const bytes = root && await smallBlob(target, root, signal, MAX_ROOT_BYTES);
    if (!bytes) {
      throw refuse(where, "no root of trust", `publish it as a layer of type ${ROOT_TYPE}`);
    }
    const signed = layers.filter(({ mediaType }) => mediaType === SIGNATURE_TYPE);
    const signatures: SignatureFile[] = [];
    for (const layer of signed.slice(0, MAX_ROOT_SIGNATURE_LAYERS)) {
      const bytes = await smallBlob(target, layer, signal);
      if (bytes) signatures.push({ name: `signature ${layer.digest}`, bytes });
    }
    await chain.extend({ name: where, bytes, signatures, missing: [`layers of tag ${tag}`] });
  }
}
