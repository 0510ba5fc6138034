/**
 * Layers of images (OCI image specification 1.1, layer.md): how they are packed, and unpacked.
 *
 * @module
 */

import { reasonOf } from "./_body.ts";
import { OrasError } from "./errors.ts";

/** How bytes are packed. */
export type Packing = "none" | "gzip" | "zstd";

/** The media types of layers that are tar files, in OCI's words and in Docker's. */
const TAR_LAYERS: Readonly<Record<string, Packing>> = {
  "application/vnd.oci.image.layer.v1.tar": "none",
  "application/vnd.oci.image.layer.v1.tar+gzip": "gzip",
  "application/vnd.oci.image.layer.v1.tar+zstd": "zstd",
  "application/vnd.docker.image.rootfs.diff.tar": "none",
  "application/vnd.docker.image.rootfs.diff.tar.gzip": "gzip",
  "application/vnd.docker.image.rootfs.diff.tar.zstd": "zstd",
};

/** How a layer is packed that is a tar file; undefined where it is none, or only its publisher's. */
export function packingOfTar(mediaType: string): Packing | undefined {
  return Object.hasOwn(TAR_LAYERS, mediaType) ? TAR_LAYERS[mediaType] : undefined;
}

/**
 * What is packed in these bytes, as it comes; never much more in memory than a window. All of the bytes
 * are read, so that whoever verifies them does so to their end.
 *
 * @throws {OrasError} `content` where they are not packed like that, or end too early; what reading them
 * throws comes through.
 */
export async function* unpack(
  bytes: AsyncIterable<Uint8Array>,
  packing: Packing,
): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  const noted = noting(bytes, (error) => failure = error);
  try {
    if (packing === "none") yield* noted;
    else if (packing === "zstd") yield* (await import("./_zstd_frames.ts")).unpackZstd(noted);
    else yield* (await import("./_gzip.ts")).unpackGzip(noted);
  } catch (error) {
    if (failure !== undefined) throw failure;
    if (error instanceof OrasError) throw error;
    throw new OrasError("content", `unpacking ${packing}`, reasonOf(error), { cause: error });
  }
}

/** The same bytes; a failure to read them is not one of what unpacks them. */
async function* noting(
  bytes: AsyncIterable<Uint8Array>,
  note: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    note(error);
    throw error;
  }
}
