/**
 * Signatures of a manifest: what refers to it, and what cosign has put under a tag of its own. Whoever has
 * the registry chooses what is there, so all of it is counted and measured.
 */

import {
  repeatedMember,
  type SignatureFile,
  type Statement,
  type Trust,
  UpdateError,
} from "../core/mod.ts";
import type { Descriptor, ReadOnlyTarget } from "../oras/mod.ts";
import { refuse } from "./_metadata.ts";
import { smallBlob, smallManifest, unlessNone } from "./_small.ts";
import {
  COSIGN_ANNOTATION,
  COSIGN_PAYLOAD_TYPE,
  COSIGN_TYPE,
  cosignTag,
  MAX_COSIGN_LAYERS,
  MAX_SIGNATURE_LAYERS,
  MAX_SIGNATURE_MANIFESTS,
  SIGNATURE_TYPE,
} from "./release_terms.ts";

/** A manifest that somebody is to have signed. */
export interface Unsigned {
  /** For messages. */
  readonly name: string;
  readonly descriptor: Descriptor;
  /** Those that the descriptor is of. */
  readonly bytes: Uint8Array;
}

/** A statement, and what its bytes must say once they are believed, where they are not the manifest itself. */
interface Claim {
  readonly statement: Statement;
  readonly check?: () => void;
}

/**
 * The keys that have signed the manifest: its exact bytes, or cosign's payload with its digest.
 *
 * @throws {UpdateError} `verification` where no signature is good enough for the trust; {@linkcode OrasError}
 * where the target does not answer.
 */
export async function signersOf(
  target: ReadOnlyTarget,
  manifest: Unsigned,
  trust: Trust,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const refusals: unknown[] = [];
  for await (const { statement, check } of claimsOf(target, manifest, signal)) {
    try {
      const { signedBy } = await trust.judge(statement);
      check?.();
      return signedBy;
    } catch (error) {
      if (!(error instanceof UpdateError && error.code === "verification")) throw error;
      // that nothing is there says less than what is wrong with something
      if (statement.signatures.length > 0) refusals.unshift(error);
      else refusals.push(error);
    }
  }
  throw refusals[0];
}

/** One after the other, since what refers to the manifest mostly suffices. The first is always there. */
async function* claimsOf(
  target: ReadOnlyTarget,
  { name, descriptor, bytes }: Unsigned,
  signal?: AbortSignal,
): AsyncGenerator<Claim> {
  const signatures = await referring(target, descriptor, signal);
  const tag = cosignTag(descriptor.digest);
  yield {
    statement: {
      name,
      bytes,
      signatures,
      missing: [`what refers to ${descriptor.digest}`, `tag ${tag}`],
    },
  };
  for (const { payload, signatures } of await payloadsUnder(target, tag, signal)) {
    yield {
      statement: { name: `${name}, tag ${tag}`, bytes: payload, signatures },
      check: () => checkPayload(`${name}, tag ${tag}`, payload, descriptor),
    };
  }
}

/** Layers of the first few manifests of the right type that refer to it. */
async function referring(
  target: ReadOnlyTarget,
  subject: Descriptor,
  signal?: AbortSignal,
): Promise<readonly SignatureFile[]> {
  const referrers = await unlessNone(() => target.referrers(subject, SIGNATURE_TYPE)) ?? [];
  const files: SignatureFile[] = [];
  for (const referrer of referrers.slice(0, MAX_SIGNATURE_MANIFESTS)) {
    const manifest = await smallManifest(target, referrer, signal);
    // what is listed as referring to it may refer to something else
    if (manifest?.subject?.digest !== subject.digest) continue;
    for (const layer of manifest.layers.slice(0, MAX_SIGNATURE_LAYERS)) {
      const bytes = await smallBlob(target, layer, signal);
      if (bytes) files.push({ name: `signature ${layer.digest}`, bytes });
    }
  }
  return files;
}

/**
 * What cosign has signed, with its signatures; several of one payload belong together.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
async function payloadsUnder(
  target: ReadOnlyTarget,
  tag: string,
  signal?: AbortSignal,
): Promise<readonly { payload: Uint8Array; signatures: readonly SignatureFile[] }[]> {
  const named = await unlessNone(() => target.resolve(tag));
  const manifest = named && await smallManifest(target, named, signal);
  const layers = manifest?.layers.slice(0, MAX_COSIGN_LAYERS) ?? [];
  const signed = layers.filter(({ mediaType }) => mediaType === COSIGN_PAYLOAD_TYPE);
  const found: { payload: Uint8Array; signatures: readonly SignatureFile[] }[] = [];
  for (const [, same] of Map.groupBy(signed, ({ digest }) => digest)) {
    const payload = await smallBlob(target, same[0], signal);
    const signatures = same.flatMap(({ annotations }): SignatureFile[] => {
      const text = annotations?.[COSIGN_ANNOTATION];
      return text ? [{ name: `tag ${tag}`, bytes: new TextEncoder().encode(text) }] : [];
    });
    if (payload) found.push({ payload, signatures });
  }
  return found;
}

/** What was signed names a manifest by its digest: it must be this one. */
function checkPayload(name: string, payload: Uint8Array, { digest }: Descriptor): void {
  refuseRepeated(name, payload);
  const { critical } = JSON.parse(new TextDecoder().decode(payload)) ?? {};
  const [type, found] = [critical?.type, critical?.image?.["docker-manifest-digest"]];
  if (type === COSIGN_TYPE && found === digest) return;
  const other = typeof found === "string" && type === COSIGN_TYPE ? found.slice(0, 71) : "nothing";
  throw refuse(
    name,
    `a signature of ${JSON.stringify(other)}, where ${digest} was wanted`,
    "sign the manifest that the tag names",
  );
}

/** What is signed must not be read in two ways. */
function refuseRepeated(name: string, bytes: Uint8Array): void {
  const text = new TextDecoder().decode(bytes);
  let member: string | undefined;
  try {
    JSON.parse(text);
    member = repeatedMember(text);
  } catch {
    throw refuse(name, "what is signed is no JSON", "sign the manifest, or use cosign");
  }
  if (member === undefined) return;
  const found = `the member ${JSON.stringify(member.slice(0, 40))} twice in one object`;
  throw refuse(name, found, "have it published and signed again, with each member once");
}
