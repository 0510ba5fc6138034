/**
 * Manifests, made.
 *
 * @module
 */

import { writeAnnotations, writeDescriptor } from "./_descriptor.ts";
import type { Descriptor, Pusher } from "./content.ts";
import { describe } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { parseManifest } from "./manifest.ts";
import { EMPTY_JSON, IMAGE_INDEX, IMAGE_MANIFEST } from "./media_types.ts";

const EMPTY_BYTES: Uint8Array<ArrayBuffer> = new TextEncoder().encode("{}");

/** Content that says nothing (OCI image specification 1.1, manifest.md, guidance for an empty descriptor). */
export const EMPTY_DESCRIPTOR: Descriptor = describe(EMPTY_JSON, EMPTY_BYTES);

/** What an artifact consists of. */
export interface ArtifactParts {
  /** Its type, a media type; wanted where there is no config. */
  readonly artifactType?: string;
  /** Without one, {@linkcode EMPTY_DESCRIPTOR}. */
  readonly config?: Descriptor;
  /** Without any, {@linkcode EMPTY_DESCRIPTOR} alone. */
  readonly layers?: readonly Descriptor[];
  /** The manifest that this one refers to. */
  readonly subject?: Descriptor;
  /** Free-form names and values. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What an index consists of. */
export interface IndexParts {
  /** What it lists, in this order. */
  readonly manifests: readonly Descriptor[];
  /** Type of the artifact that the whole is. */
  readonly artifactType?: string;
  /** The manifest that this one refers to. */
  readonly subject?: Descriptor;
  /** Free-form names and values. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A manifest that is ready to be pushed. */
export interface PackedManifest {
  /** Of {@linkcode bytes}. */
  readonly descriptor: Descriptor;
  /** JSON, the same for the same parts. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The image manifest of an artifact (OCI image specification 1.1, manifest.md, guidelines for artifact
 * usage). The same parts make the same bytes, whatever the order of their properties.
 *
 * @example An artifact in memory
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { describe, MemoryTarget, packManifest, pushManifest } from "@kubesolo/update/oras";
 *
 * const memory = new MemoryTarget();
 * const bytes = new TextEncoder().encode("hello");
 * const layer = describe("text/plain", bytes);
 * await memory.push(layer, bytes);
 * const packed = packManifest({ artifactType: "application/vnd.example.note", layers: [layer] });
 * await pushManifest(memory, packed);
 * await memory.tag(packed.descriptor, "1.0");
 *
 * assertEquals((await memory.resolve("1.0")).digest, packed.descriptor.digest);
 * ```
 *
 * @throws {OrasError} `content` where there is neither a config nor an artifact type, or a part is not what
 * it has to be.
 */
export function packManifest(parts: ArtifactParts): PackedManifest {
  const { artifactType, config = EMPTY_DESCRIPTOR, layers = [], subject, annotations } = parts;
  if (!artifactType && config.mediaType === EMPTY_JSON) {
    throw new OrasError("content", "packing a manifest", "neither an artifact type nor a config");
  }
  return pack({
    schemaVersion: 2,
    mediaType: IMAGE_MANIFEST,
    ...(artifactType ? { artifactType } : {}),
    config: writeDescriptor(config),
    layers: (layers.length > 0 ? layers : [EMPTY_DESCRIPTOR]).map(writeDescriptor),
    ...(subject ? { subject: writeDescriptor(subject) } : {}),
    ...writeAnnotations(annotations),
  });
}

/**
 * An index of manifests (OCI image specification 1.1, image-index.md). The same parts make the same bytes.
 *
 * @throws {OrasError} `content` where a part is not what it has to be.
 */
export function packIndex(
  { manifests, artifactType, subject, annotations }: IndexParts,
): PackedManifest {
  return pack({
    schemaVersion: 2,
    mediaType: IMAGE_INDEX,
    ...(artifactType ? { artifactType } : {}),
    manifests: manifests.map(writeDescriptor),
    ...(subject ? { subject: writeDescriptor(subject) } : {}),
    ...writeAnnotations(annotations),
  });
}

function pack<T extends { mediaType: string; artifactType?: string }>(document: T): PackedManifest {
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  const { mediaType, artifactType } = document;
  const descriptor = { ...describe(mediaType, bytes), ...(artifactType ? { artifactType } : {}) };
  // What nobody could read back is not handed out.
  parseManifest(descriptor, bytes);
  return { descriptor, bytes };
}

/**
 * Resolves when the manifest is at the destination, and the empty content too where it is named. All other
 * content that it names is there already: registries refuse a manifest before its blobs.
 */
export async function pushManifest(destination: Pusher, packed: PackedManifest): Promise<void> {
  const manifest = parseManifest(packed.descriptor, packed.bytes);
  const parts = manifest.kind === "image" ? [manifest.config, ...manifest.layers] : [];
  if (parts.some(({ digest }) => digest === EMPTY_DESCRIPTOR.digest)) {
    await destination.push(EMPTY_DESCRIPTOR, EMPTY_BYTES);
  }
  await destination.push(packed.descriptor, packed.bytes);
}
