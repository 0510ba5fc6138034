/**
 * Releases as OCI artifacts: what their annotations and layers mean.
 *
 * @module
 */

import type { Artifact, ArtifactName, Release } from "../core/mod.ts";
import type { Descriptor, ImageManifest, Packing } from "../oras/mod.ts";
import { Metadata, refuse } from "./_metadata.ts";
import { CONTENT_KEYS, LAYER_TERMS } from "./release_terms.ts";

/** Where the bytes of an artifact are. */
export type Place =
  | {
    /** They are a layer. */
    readonly kind: "layer";
    /** Which one. */
    readonly layer: Descriptor;
    /** How the layer is packed. */
    readonly packing: Packing;
  }
  | {
    /** They are a file of a container image. */
    readonly kind: "file";
    /** The image's layers, from the bottom to the top. */
    readonly layers: readonly Descriptor[];
    /** Without a slash at the beginning. */
    readonly path: string;
  };

/** A release, and where its artifacts are. */
export interface OciRelease {
  /** What is said about it. */
  readonly release: Release;
  /** By the artifact's name. */
  readonly places: ReadonlyMap<ArtifactName, Place>;
  /** Tags and digests in the same repository that are said to lead to it; nobody has looked at them. */
  readonly steppingStones: readonly string[];
}

const ADVICE = "publish it with the annotations and layers of a release";

/**
 * The release that the manifest of an artifact describes; no blob is needed for that.
 *
 * @throws {UpdateError} `verification` where an annotation or a layer is not what a release has.
 */
export function releaseOf(
  manifest: ImageManifest,
  name: string,
  platform?: Descriptor["platform"],
): OciRelease {
  const metadataOf = (annotations: ImageManifest["annotations"]) =>
    new Metadata(annotations, { kind: "annotation", source: name, advice: ADVICE });
  const metadata = metadataOf(manifest.annotations);
  const artifacts: Artifact[] = [];
  const places = new Map<ArtifactName, Place>();
  for (const [artifact, layer] of layersOf(manifest, name)) {
    const { packing } = LAYER_TERMS[layer.mediaType];
    // tools that push files can annotate the manifest, and not all of them its layers
    const stated = { ...manifest.annotations, ...layer.annotations };
    const content = packing === "none"
      ? { sha256: layer.digest.slice("sha256:".length), size: layer.size }
      : metadataOf(stated).content(CONTENT_KEYS[artifact]);
    artifacts.push({ name: artifact, ...content });
    places.set(artifact, { kind: "layer", layer, packing });
  }
  const release = metadata.release(artifacts, platform?.architecture);
  return { release, places, steppingStones: metadata.list("stepping_stones") };
}

/** Kernel and initramfs in this order, or one image; layers of other types are for others. */
function layersOf(manifest: ImageManifest, name: string): Map<ArtifactName, Descriptor> {
  const found = new Map<ArtifactName, Descriptor>();
  for (const layer of manifest.layers) {
    if (!Object.hasOwn(LAYER_TERMS, layer.mediaType)) continue;
    const { artifact } = LAYER_TERMS[layer.mediaType];
    if (found.has(artifact)) throw refuse(name, `two layers of type ${layer.mediaType}`, ADVICE);
    found.set(artifact, layer);
  }
  const kinds = [...found.keys()].sort().join(" and ");
  const wanted: readonly ArtifactName[] = found.has("image")
    ? ["image"]
    : ["vmlinuz", "kubesolo-os.gz"];
  if (found.size !== wanted.length || !wanted.every((artifact) => found.has(artifact))) {
    const there = found.size > 0 ? `layers for ${kinds} alone` : "no layer of a release";
    throw refuse(
      name,
      `${there}, where a kernel and an initramfs, or one image were wanted`,
      ADVICE,
    );
  }
  return new Map(wanted.map((artifact) => [artifact, found.get(artifact) as Descriptor]));
}
