/** Finds releases in OCI content: from a tag or a digest to what is said of a release, and who has signed it. */

import { adviceOnHandshake, reasonOf, refuseRepeated, UpdateError } from "../core/mod.ts";
import {
  type Descriptor,
  type ImageManifest,
  type Manifest,
  MAX_MANIFEST_BYTES,
  OrasError,
  parseManifest,
  readAll,
} from "../oras/mod.ts";
import { signersOf } from "./_signatures.ts";
import { chooseManifest } from "./choose_manifest.ts";
import {
  isContainerImage,
  isSelfDescribing,
  MAX_CONFIG_BYTES,
  parseImageConfig,
  releaseOfImage,
} from "./container_image.ts";
import type { OciSourceOptions } from "./oci_source.ts";
import { type OciRelease, releaseOf } from "./release_of.ts";

/** The keys that have signed, or why none has; undefined where nobody asks. */
type Judged = readonly string[] | UpdateError | undefined;

/**
 * The release that `reference` names, for the node's architecture, and judged where there is a trust.
 *
 * @throws {UpdateError} `source` where it cannot be had, `verification` where it is no release, or not signed
 * as the trust wants it.
 */
export async function findRelease(
  options: OciSourceOptions,
  reference: string,
  name: string,
  signal?: AbortSignal,
): Promise<OciRelease> {
  const { target, architecture } = options;
  try {
    const named = await target.resolve(reference);
    let { manifest, judged } = await read(options, named, name, signal);
    let platform: Descriptor["platform"];
    if (manifest.kind === "index") {
      const chosen = chooseManifest(manifest, architecture, name);
      const inner = await read(options, chosen, name, signal, judged);
      // what nobody has signed says nothing of the machine either
      platform = inner.judged === judged ? chosen.platform : undefined;
      ({ manifest, judged } = inner);
    }
    if (judged instanceof UpdateError) throw judged;
    const described = await describe(options, manifest as ImageManifest, name, platform, signal);
    return judged
      ? { ...described, release: { ...described.release, signedBy: judged } }
      : described;
  } catch (error) {
    throw explained(`reading ${name}`, error);
  }
}

async function describe(
  { target, trust }: OciSourceOptions,
  manifest: ImageManifest,
  name: string,
  platform?: Descriptor["platform"],
  signal?: AbortSignal,
): Promise<OciRelease> {
  if (!isContainerImage(manifest)) return releaseOf(manifest, name, platform);
  if (isSelfDescribing(manifest)) return releaseOfImage(manifest, name, undefined, platform);
  const { config } = manifest;
  const stream = await target.fetch(config, { signal });
  const bytes = await readAll(config, stream, MAX_CONFIG_BYTES);
  if (trust) refuseRepeated(`${name} (${config.digest})`, bytes);
  return releaseOfImage(manifest, name, parseImageConfig(config, bytes), platform);
}

/**
 * A manifest, and who has signed it. `above` is what came of the index that lists it: where that is
 * signed, so is this, by its digest.
 */
async function read(
  { target, trust }: OciSourceOptions,
  descriptor: Descriptor,
  name: string,
  signal?: AbortSignal,
  above?: Judged,
): Promise<{ manifest: Manifest; judged: Judged }> {
  const stream = await target.fetch(descriptor, { signal });
  const bytes = await readAll(descriptor, stream, MAX_MANIFEST_BYTES);
  let judged = above;
  if (trust && !Array.isArray(above)) {
    const unsigned = { name: `${name} (${descriptor.digest})`, descriptor, bytes };
    try {
      judged = await signersOf(target, unsigned, trust, signal);
    } catch (error) {
      if (!(error instanceof UpdateError && error.code === "verification")) throw error;
      judged = above ?? error;
    }
  }
  // what is signed, or listed in what is, must not be read in two ways
  if (Array.isArray(judged)) refuseRepeated(name, bytes);
  return { manifest: parseManifest(descriptor, bytes), judged };
}

/** The error as a person can use it, where it is one of the target's. */
export function explained(operation: string, error: unknown): unknown {
  if (!(error instanceof OrasError)) return error;
  const isWrong = error.code === "content" || error.code === "reference";
  return new UpdateError(isWrong ? "verification" : "source", {
    operation,
    found: reasonOf(error),
    advice: isWrong
      ? "nothing was staged; have the release published again, or check what lies between"
      : adviceOnHandshake(reasonOf(error)) ??
        "check registry, repository, tag and credentials, and run it again",
    cause: error,
  });
}
