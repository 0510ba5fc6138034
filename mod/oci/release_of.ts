/**
 * Releases as OCI artifacts: what their annotations and layers mean.
 *
 * @module
 */

import {
  type Artifact,
  type ArtifactName,
  isVersion,
  oneLine,
  type Release,
  UpdateError,
} from "../core/mod.ts";
import { type Descriptor, type ImageIndex, type ImageManifest, isIndexType } from "../oras/mod.ts";

/** Media types of layers, and the artifact that each holds. */
export const LAYER_TYPES: Readonly<Record<string, ArtifactName>> = {
  "application/vnd.kubesolo.os.kernel.v1+octet-stream": "vmlinuz",
  "application/vnd.kubesolo.os.initramfs.v1+gzip": "kubesolo-os.gz",
  "application/vnd.kubesolo.os.slot.v1+octet-stream": "image",
};

/** What the annotations' names begin with. */
export const ANNOTATION_PREFIX = "io.kubesolo.os.";

/** Most characters of one annotation that are read. */
export const MAX_ANNOTATION_LENGTH = 64 << 10;

/** Architectures in Go's words, and as `uname -m` says them. */
export const ARCHITECTURES: Readonly<Record<string, string>> = {
  amd64: "x86_64",
  arm64: "aarch64",
};

/** A release, and the layers that its artifacts are in. */
export interface OciRelease {
  /** What the annotations and layers say. */
  readonly release: Release;
  /** By the artifact's name. */
  readonly layers: ReadonlyMap<ArtifactName, Descriptor>;
}

/**
 * The manifest in `index` for a machine of `architecture` (as `uname -m` says it).
 *
 * @throws {UpdateError} `verification` where there is none, more than one, or it is an index again.
 */
export function chooseManifest(
  index: ImageIndex,
  architecture: string,
  name: string,
): Descriptor {
  const platformOf = ({ platform }: Descriptor) =>
    platform && (ARCHITECTURES[platform.architecture] ?? platform.architecture);
  const fitting = index.manifests.filter((entry) => platformOf(entry) === architecture);
  const [chosen] = fitting;
  if (fitting.length === 1 && !isIndexType(chosen.mediaType)) return chosen;
  const listed = [...new Set(index.manifests.map((entry) => platformOf(entry) ?? "no platform"))];
  const found = fitting.length > 1
    ? `${fitting.length} manifests for ${architecture}, where one was wanted`
    : chosen
    ? "an index inside the index, where a manifest was wanted"
    : `an index for ${listed.join(", ") || "nothing"}, and nothing for ${architecture}`;
  throw refuse(name, found, "publish one manifest for each architecture");
}

/**
 * The release that an image manifest describes; no blob is needed for that.
 *
 * @throws {UpdateError} `verification` where an annotation or a layer is not what a release has.
 */
export function releaseOf(
  manifest: ImageManifest,
  name: string,
  platform?: Descriptor["platform"],
): OciRelease {
  const layers = layersOf(manifest, name);
  const text = (key: string) => annotation(manifest, key, name);
  const line = (key: string) => {
    const value = text(key);
    return value === undefined ? undefined : oneLine(value) || undefined;
  };
  const version = (key: string) => {
    const value = line(key);
    if (value === undefined || isVersion(value)) return value;
    throw refuse(name, `the annotation ${ANNOTATION_PREFIX}${key} is no version`, FIX);
  };
  const released = version("version");
  if (released === undefined) {
    throw refuse(name, `no annotation ${ANNOTATION_PREFIX}version`, FIX);
  }
  const stated = line("architecture") ?? platform?.architecture;
  const artifacts = [...layers].map(([artifact, { digest, size }]): Artifact => ({
    name: artifact,
    sha256: digest.slice("sha256:".length),
    size,
  }));
  return {
    release: {
      version: released,
      channel: line("channel"),
      architecture: stated && (ARCHITECTURES[stated] ?? stated),
      minCompatibleVersion: version("min_compatible_version"),
      notes: line("release_notes"),
      date: line("release_date"),
      artifacts,
    },
    layers,
  };
}

const FIX = "publish it with the annotations and layers of a release";

/** Kernel and initramfs in this order, or one image; layers of other types are for others. */
function layersOf(manifest: ImageManifest, name: string): Map<ArtifactName, Descriptor> {
  const found = new Map<ArtifactName, Descriptor>();
  for (const layer of manifest.layers) {
    const artifact = LAYER_TYPES[layer.mediaType];
    if (!artifact) continue;
    if (found.has(artifact)) throw refuse(name, `two layers of type ${layer.mediaType}`, FIX);
    found.set(artifact, layer);
  }
  const kinds = [...found.keys()].sort().join(" and ");
  const wanted: readonly ArtifactName[] = found.has("image")
    ? ["image"]
    : ["vmlinuz", "kubesolo-os.gz"];
  if (found.size !== wanted.length || !wanted.every((artifact) => found.has(artifact))) {
    const there = found.size > 0 ? `layers for ${kinds} alone` : "no layer of a release";
    throw refuse(name, `${there}, where a kernel and an initramfs, or one image were wanted`, FIX);
  }
  return new Map(wanted.map((artifact) => [artifact, found.get(artifact) as Descriptor]));
}

function annotation({ annotations }: ImageManifest, key: string, name: string): string | undefined {
  const value = annotations?.[`${ANNOTATION_PREFIX}${key}`];
  if (value !== undefined && value.length > MAX_ANNOTATION_LENGTH) {
    const found = `an annotation ${ANNOTATION_PREFIX}${key} of ${value.length} characters`;
    throw refuse(name, `${found}, where at most ${MAX_ANNOTATION_LENGTH} are read`, FIX);
  }
  return value || undefined;
}

function refuse(name: string, found: string, advice: string): UpdateError {
  return new UpdateError("verification", { operation: `reading ${name}`, found, advice });
}
