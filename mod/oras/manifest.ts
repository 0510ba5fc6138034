/**
 * Manifests: what they say, and what they lead to.
 *
 * @module
 */

import { readAnnotations, readArtifactType, readDescriptor } from "./_descriptor.ts";
import { isPresent, type JsonObject, JsonReader } from "./_json.ts";
import type { Descriptor } from "./content.ts";
import { OrasError } from "./errors.ts";
import { isIndexType, isManifestType } from "./media_types.ts";

/** Largest manifest in bytes: what registries have to take (distribution specification 1.1, push). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** Most layers of one image. */
export const MAX_LAYERS = 4096;
/** Most manifests in one index. */
export const MAX_INDEX_ENTRIES = 16_384;

/** What all manifests may say. */
export interface CommonManifest {
  /** One of {@linkcode MANIFEST_TYPES}. */
  readonly mediaType: string;
  /** Type of the artifact that it makes. */
  readonly artifactType?: string;
  /** The manifest that this one refers to. */
  readonly subject?: Descriptor;
  /** Free-form names and values. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image or another artifact (OCI image specification 1.1, manifest.md), or Docker's kind of it. */
export interface ImageManifest extends CommonManifest {
  /** Tells it from an index. */
  readonly kind: "image";
  /** What the artifact's own software reads first. */
  readonly config: Descriptor;
  /** The content itself. */
  readonly layers: readonly Descriptor[];
}

/** A list of manifests (OCI image specification 1.1, image-index.md), or Docker's kind of it. */
export interface ImageIndex extends CommonManifest {
  /** Tells it from an image. */
  readonly kind: "index";
  /** What it lists. */
  readonly manifests: readonly Descriptor[];
}

/** Either kind of manifest. */
export type Manifest = ImageManifest | ImageIndex;

/**
 * What the manifest `bytes` say; they are verified already, and `descriptor` is theirs. Nothing in the
 * answer is of another type than it says, and every digest in it is one. Properties that the specification
 * does not have are left out.
 *
 * @throws {OrasError} `content` where it is no manifest of the descriptor's type, or one beyond
 * {@linkcode MAX_MANIFEST_BYTES}, {@linkcode MAX_LAYERS} or {@linkcode MAX_INDEX_ENTRIES}.
 */
export function parseManifest(descriptor: Descriptor, bytes: Uint8Array): Manifest {
  const { mediaType, digest } = descriptor;
  const action = `reading manifest ${digest}`;
  if (!isManifestType(mediaType)) {
    throw new OrasError("content", action, `${mediaType} is no type of a manifest`);
  }
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new OrasError("content", action, `more than ${MAX_MANIFEST_BYTES} bytes`);
  }
  const json = new JsonReader(action);
  const document = json.parse(bytes);
  if (document.schemaVersion !== 2) throw json.wrong("schemaVersion", "2", document.schemaVersion);
  if (isPresent(document.mediaType) && document.mediaType !== mediaType) {
    throw json.wrong("mediaType", `${mediaType}, as its descriptor says`, document.mediaType);
  }
  const common = {
    mediaType,
    ...readArtifactType(json, document.artifactType, "manifest"),
    ...readSubject(json, document.subject),
    ...readAnnotations(json, document.annotations, "manifest"),
  };
  return isIndexType(mediaType)
    ? { kind: "index", ...common, ...readIndex(json, document) }
    : { kind: "image", ...common, ...readImage(json, document) };
}

function readSubject(json: JsonReader, value: unknown): { subject?: Descriptor } {
  return isPresent(value) ? { subject: readDescriptor(json, value, "subject") } : {};
}

// A document that is both an image and an index means something else to whoever asks for the other one.
function readIndex(json: JsonReader, document: JsonObject): Pick<ImageIndex, "manifests"> {
  for (const other of ["config", "layers", "fsLayers"]) {
    if (isPresent(document[other])) throw json.wrong(other, "none in an index", document[other]);
  }
  const manifests = json.list(document.manifests, "manifests", MAX_INDEX_ENTRIES);
  return {
    manifests: manifests.map((entry, at) => readDescriptor(json, entry, `manifests[${at}]`)),
  };
}

function readImage(
  json: JsonReader,
  document: JsonObject,
): Pick<ImageManifest, "config" | "layers"> {
  for (const other of ["manifests", "fsLayers"]) {
    if (isPresent(document[other])) throw json.wrong(other, "none in an image", document[other]);
  }
  const layers = json.list(document.layers, "layers", MAX_LAYERS);
  return {
    config: readDescriptor(json, document.config, "config"),
    layers: layers.map((layer, at) => readDescriptor(json, layer, `layers[${at}]`)),
  };
}

/**
 * A manifest as the list of what refers to its subject has it (distribution specification 1.1, listing
 * referrers): with its annotations, and its type; an image without one is of its config's type.
 */
export function asReferrer(
  { mediaType, digest, size }: Descriptor,
  manifest: Manifest,
): Descriptor {
  const { annotations } = manifest;
  const artifactType = manifest.artifactType ||
    (manifest.kind === "image" ? manifest.config.mediaType : undefined);
  return {
    mediaType,
    digest,
    size,
    ...artifactType && { artifactType },
    ...annotations && { annotations },
  };
}

/**
 * What the content leads to, in this order: config, layers, listed manifests, subject. Content that is no
 * manifest leads nowhere.
 *
 * @throws {OrasError} `content`, as {@linkcode parseManifest} does.
 */
export function successors(descriptor: Descriptor, bytes: Uint8Array): Descriptor[] {
  if (!isManifestType(descriptor.mediaType)) return [];
  const manifest = parseManifest(descriptor, bytes);
  return [
    ...(manifest.kind === "image" ? [manifest.config, ...manifest.layers] : manifest.manifests),
    ...(manifest.subject ? [manifest.subject] : []),
  ];
}
