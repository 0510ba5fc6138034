/**
 * Releases as ordinary container images: files below `/boot`, and labels in the image's configuration,
 * which survive what registries and copying tools make of images.
 *
 * @module
 */

import type { Artifact, ArtifactName } from "../core/mod.ts";
import { type Descriptor, type ImageManifest, OrasError, packingOfTar } from "../oras/mod.ts";
import { Metadata, refuse } from "./_metadata.ts";
import type { OciRelease, Place } from "./release_of.ts";
import { ANNOTATION_PREFIX, CONTENT_KEYS, IMAGE_PATHS, LAYER_TERMS } from "./release_terms.ts";

/** Configurations of container images, in OCI's words and in Docker's. */
export const CONFIG_TYPES: readonly string[] = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
];

/** Largest configuration in bytes that is read. */
export const MAX_CONFIG_BYTES: number = 1 << 20;

/** Most layers of an image that are searched: as many as container engines stack. */
export const MAX_SEARCHED_LAYERS = 127;

/** What a container image's configuration says about it (OCI image specification 1.1, config.md). */
export interface ImageConfig {
  /** In Go's words. */
  readonly architecture?: string;
  /** Free-form names and values. */
  readonly labels: Readonly<Record<string, string>>;
}

const ADVICE = "publish it with `deno task publish --as-image`, or with the labels that makes";

/** The names of what a whole description has to have. */
const NEEDED: readonly string[] = [
  "version",
  ...Object.keys(IMAGE_PATHS).flatMap((name) => {
    const key = CONTENT_KEYS[name as ArtifactName];
    return [`${key}.sha256`, `${key}.size`];
  }),
];

/** Whether the manifest is a container image, and none of our artifacts. */
export function isContainerImage({ config, layers }: ImageManifest): boolean {
  return CONFIG_TYPES.includes(config.mediaType) &&
    !layers.some(({ mediaType }) => Object.hasOwn(LAYER_TERMS, mediaType)) &&
    layers.some(({ mediaType }) => packingOfTar(mediaType) !== undefined);
}

/** Whether the manifest's annotations say all that the configuration's labels would. */
export function isSelfDescribing({ annotations = {} }: ImageManifest): boolean {
  return NEEDED.every((key) => Object.hasOwn(annotations, ANNOTATION_PREFIX + key));
}

/**
 * What the configuration says; its bytes are verified already.
 * @throws {OrasError} `content` where it is none.
 */
export function parseImageConfig({ digest }: Descriptor, bytes: Uint8Array): ImageConfig {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OrasError("content", `reading configuration ${digest}`, "no JSON", { cause });
  }
  const { architecture, config } = membersOf(document);
  const labels = Object.entries(membersOf(membersOf(config).Labels))
    .filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return {
    ...typeof architecture === "string" && architecture !== "" ? { architecture } : {},
    labels: Object.fromEntries(labels),
  };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/**
 * The release that a container image holds. It is described by its labels, where `config` is given, and
 * else by the manifest's annotations.
 *
 * @throws {UpdateError} `verification` where something is missing, or is not what a release has.
 */
export function releaseOfImage(
  manifest: ImageManifest,
  name: string,
  config?: ImageConfig,
  platform?: Descriptor["platform"],
): OciRelease {
  const layers = manifest.layers.filter(({ mediaType }) => packingOfTar(mediaType) !== undefined);
  if (layers.length > MAX_SEARCHED_LAYERS) {
    const found = `an image of ${layers.length} layers, where at most ${MAX_SEARCHED_LAYERS}`;
    throw refuse(name, `${found} are searched`, ADVICE);
  }
  const metadata = new Metadata(config?.labels ?? manifest.annotations, {
    kind: config ? "label" : "annotation",
    source: name,
    advice: ADVICE,
  });
  const artifacts: Artifact[] = [];
  const places = new Map<ArtifactName, Place>();
  for (const [key, path] of Object.entries(IMAGE_PATHS)) {
    const artifact = key as ArtifactName;
    artifacts.push({ name: artifact, ...metadata.content(CONTENT_KEYS[artifact]) });
    places.set(artifact, { kind: "file", layers, path });
  }
  const architecture = platform?.architecture ?? config?.architecture;
  const release = metadata.release(artifacts, architecture);
  return { release, places, steppingStones: metadata.list("stepping_stones") };
}
