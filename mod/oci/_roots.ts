/** Roots of trust in a registry: the next one lies under the tag `trust-N`, with its signatures. */

import { MAX_ROOT_BYTES, type SignatureFile, type Statement } from "../core/mod.ts";
import type { ReadOnlyTarget } from "../oras/mod.ts";
import { refuse } from "./_metadata.ts";
import { smallBlob, smallManifest, unlessNone } from "./_small.ts";
import { MAX_ROOT_SIGNATURE_LAYERS, ROOT_TYPE, rootTag, SIGNATURE_TYPE } from "./release_terms.ts";

/**
 * The root of this version that lies beside the release; undefined where there is none.
 *
 * @throws {UpdateError} `verification` where there is something else; {@linkcode OrasError} where the target
 * does not answer.
 */
export async function findRoot(
  target: ReadOnlyTarget,
  name: string,
  version: number,
  signal?: AbortSignal,
): Promise<Statement | undefined> {
  const tag = rootTag(version);
  const named = await unlessNone(() => target.resolve(tag));
  if (!named) return undefined;
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
  return { name: where, bytes, signatures, missing: [`layers of tag ${tag}`] };
}
