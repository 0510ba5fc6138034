/**
 * Signatures of what was published, beside it in the registry.
 *
 * @module
 */

import { SIGNATURE_TYPE } from "../../mod/oci/mod.ts";
import {
  describe,
  type Descriptor,
  MAX_MANIFEST_BYTES,
  packManifest,
  pushManifest,
  readAll,
  type Target,
} from "../../mod/oras/mod.ts";
import { PrivateKey, signFile } from "../../mod/trust/mod.ts";

/**
 * Resolves when the target has a signature of `key` over the manifest's exact bytes, which refers to it.
 * Signed again with the same key, nothing is added.
 */
export async function signManifest(
  target: Target,
  manifest: Descriptor,
  key: PrivateKey,
): Promise<Descriptor> {
  const bytes = await readAll(manifest, await target.fetch(manifest), MAX_MANIFEST_BYTES);
  const signature = signFile(key, bytes, "base64");
  const layer = describe(SIGNATURE_TYPE, signature);
  await target.push(layer, signature);
  const { mediaType, digest, size } = manifest;
  const packed = packManifest({
    artifactType: SIGNATURE_TYPE,
    layers: [layer],
    subject: { mediaType, digest, size },
  });
  await pushManifest(target, packed);
  return packed.descriptor;
}

/**
 * Resolves with the signature, where there is a key, when the manifest is signed and only then tagged, where
 * there is a tag: who asks for the tag finds nothing without its signature.
 */
export async function signAndTag(
  target: Target,
  manifest: Descriptor,
  key: PrivateKey | undefined,
  tag: string | undefined,
): Promise<Descriptor | undefined> {
  const signature = key && await signManifest(target, manifest, key);
  if (tag !== undefined) await target.tag(manifest, tag);
  return signature;
}

/** What the tasks that sign have in common. */
export const SIGNING_OPTIONS = {
  "sign-key": { type: "string" },
  "passphrase-file": { type: "string" },
} as const;

/** Which key signs. */
export interface SigningFlags {
  readonly "sign-key"?: string;
  readonly "passphrase-file"?: string;
}

/**
 * The key that flags name, if they name one. It is read before anything is published.
 *
 * @throws {Error} saying what is wrong with which file, and nothing of what is in it.
 */
export async function givenKey(
  { "sign-key": file, "passphrase-file": passphraseFile }: SigningFlags,
): Promise<PrivateKey | undefined> {
  if (file === undefined) {
    if (passphraseFile !== undefined) {
      throw new Error("--passphrase-file: wanted --sign-key as well");
    }
    return undefined;
  }
  const passphrase = passphraseFile === undefined
    ? undefined
    : (await Deno.readTextFile(passphraseFile)).split(/\r?\n/)[0];
  try {
    return PrivateKey.parse(await Deno.readTextFile(file), passphrase);
  } catch (error) {
    throw new Error(`--sign-key ${file}: ${(error as Error).message}`);
  }
}
