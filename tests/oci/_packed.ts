/** Releases in their packed forms, in memory: partition images in zstd, and container images. */

import { createHash } from "node:crypto";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import {
  type ByteStream,
  describe,
  type Descriptor,
  MemoryTarget,
  OrasError,
  packManifest,
  pushManifest,
  type ReadOnlyTarget,
  writeTar,
} from "../../mod/oras/mod.ts";

export const SLOT_ZSTD = "application/vnd.kubesolo.os.slot.v1+zstd";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const PREFIX = "io.kubesolo.os.";

export type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes that pack, but not too well. */
export function bytesOf(seed: number, length: number): Bytes {
  return Uint8Array.from(
    { length },
    (_, at) => at % 97 < 60 ? (at + seed) % 20 : (at * at * seed) >> 7,
  );
}

export function zstd(bytes: Uint8Array): Bytes {
  return new Uint8Array(
    zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
  );
}

export function gzip(bytes: Uint8Array): Bytes {
  return new Uint8Array(gzipSync(bytes));
}

/** `io.kubesolo.os.<name>.sha256` and `.size`. */
export function contentKeys(name: string, bytes: Uint8Array): Record<string, string> {
  return {
    [`${PREFIX}${name}.sha256`]: createHash("sha256").update(bytes).digest("hex"),
    [`${PREFIX}${name}.size`]: `${bytes.length}`,
  };
}

export async function tarOf(...files: readonly (readonly [string, Uint8Array])[]): Promise<Bytes> {
  const tar = writeTar(files.map(([name, bytes]) => ({
    name,
    size: bytes.length,
    content: (async function* () {
      yield bytes;
    })(),
  })));
  return await new Response(ReadableStream.from(tar)).bytes();
}

/** Pushes a blob. */
export async function pushBlob(
  target: MemoryTarget,
  mediaType: string,
  bytes: Bytes,
): Promise<Descriptor> {
  const descriptor = describe(mediaType, bytes);
  await target.push(descriptor, bytes);
  return descriptor;
}

/** What a release in the packed form of a partition image is to be. */
export interface PackedImage {
  readonly image: Uint8Array;
  /** What the layer holds; the image in zstd where absent. */
  readonly packed?: Bytes;
  /** On the layer; those of the image where absent. */
  readonly layerAnnotations?: Record<string, string>;
  /** On the manifest, besides the version. */
  readonly annotations?: Record<string, string>;
}

/** The tag `stable` names such a release. */
export async function pushPackedImage(
  { image, packed = zstd(image), layerAnnotations, annotations = {} }: PackedImage,
): Promise<MemoryTarget> {
  const target = new MemoryTarget();
  const layer = {
    ...await pushBlob(target, SLOT_ZSTD, packed),
    annotations: layerAnnotations ?? contentKeys("image", image),
  };
  const manifest = packManifest({
    artifactType: "application/vnd.kubesolo.os.release.v1",
    layers: [layer],
    annotations: { [`${PREFIX}version`]: "2.0.0", ...annotations },
  });
  await pushManifest(target, manifest);
  await target.tag(manifest.descriptor, "stable");
  return target;
}

/** What a container image is to be. */
export interface ContainerImage {
  /** Media type and bytes of each, from the bottom to the top. */
  readonly layers: readonly (readonly [string, Bytes])[];
  readonly labels: Record<string, unknown> | null;
  readonly annotations?: Record<string, string>;
  /** The configuration's own bytes, in place of what the labels make. */
  readonly config?: Bytes;
}

/** The tag `stable` names such an image. */
export async function pushContainerImage(
  { layers, labels, annotations, config }: ContainerImage,
): Promise<MemoryTarget> {
  const target = new MemoryTarget();
  const bytes = config ?? new TextEncoder().encode(JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: { Labels: labels },
    rootfs: { type: "layers", diff_ids: [] },
  }));
  const descriptors: Descriptor[] = [];
  for (const [type, layer] of layers) descriptors.push(await pushBlob(target, type, layer));
  const manifest = packManifest({
    config: await pushBlob(target, OCI_CONFIG, bytes),
    layers: descriptors,
    annotations,
  });
  await pushManifest(target, manifest);
  await target.tag(manifest.descriptor, "stable");
  return target;
}

/** A target whose connections break: the numbers say after how many bytes, one for each blob fetched. */
export class ShakyTarget implements ReadOnlyTarget {
  /** Offsets that were asked for, with the media type. */
  readonly fetched: string[] = [];
  readonly #inner: ReadOnlyTarget;
  readonly #breaks: number[];

  constructor(inner: ReadOnlyTarget, ...breaks: readonly number[]) {
    this.#inner = inner;
    this.#breaks = [...breaks];
  }

  resolve(reference: string): Promise<Descriptor> {
    return this.#inner.resolve(reference);
  }

  referrers(subject: Descriptor): Promise<Descriptor[]> {
    return this.#inner.referrers(subject);
  }

  async fetch(
    target: Descriptor,
    options: { offset?: number; signal?: AbortSignal } = {},
  ): Promise<ByteStream> {
    const stream = await this.#inner.fetch(target, options);
    if (target.mediaType.includes("json")) return stream;
    this.fetched.push(`${target.mediaType.split(".").at(-1)}@${options.offset ?? 0}`);
    const after = this.#breaks.shift();
    return after === undefined ? stream : ReadableStream.from(brokenOff(stream, after));
  }
}

async function* brokenOff(stream: ByteStream, after: number): AsyncGenerator<Bytes> {
  let left = after;
  for await (const bytes of stream) {
    const some = bytes.slice(0, left);
    left -= some.length;
    if (some.length > 0) yield some;
    if (left === 0) throw new OrasError("unreachable", "fetching", "the answer ended too early");
  }
}
