/**
 * A release directory as an OCI artifact.
 *
 * @module
 */

import {
  INITRAMFS_TYPE,
  KERNEL_TYPE,
  RELEASE_TYPE,
  SLOT_TYPE,
  ZSTD_SLOT_TYPE,
} from "../../mod/oci/mod.ts";
import { packManifest, pushManifest, type Target } from "../../mod/oras/mod.ts";
import { sha256OfFile } from "../digest.ts";
import { contentAnnotations, readRelease, type ReleaseFile } from "./release_directory.ts";
import { bytesOf, type Follower, type Published, SILENT, upload, type Uploaded } from "./upload.ts";
import { compress } from "./zstd.ts";

const MEDIA_TYPES = {
  "vmlinuz": KERNEL_TYPE,
  "kubesolo-os.gz": INITRAMFS_TYPE,
  "image": SLOT_TYPE,
} as const;

/** The name that tools which pull files give a layer's. */
const TITLE = "org.opencontainers.image.title";

/** What is to be different. */
export interface ArtifactOptions {
  /** Partition images are compressed. */
  readonly zstd?: boolean;
  /** Tags or digests of releases in the same repository that lead to this one. */
  readonly steppingStones?: readonly string[];
  readonly follower?: Follower;
}

/**
 * Resolves when the release in `directory` (latest.json; vmlinuz and kubesolo-os.gz, or a partition image)
 * is in `target`, tagged where a tag is given.
 *
 * @throws {Error} where the directory is no release; {@linkcode OrasError} where the target does not take
 * it.
 */
export async function publishRelease(
  directory: string,
  target: Target,
  tag?: string,
  { zstd = false, steppingStones, follower = SILENT }: ArtifactOptions = {},
): Promise<Published> {
  const { annotations, files } = await readRelease(directory, steppingStones);
  const isImage = files.some(({ artifact }) => artifact === "image");
  if (zstd && !isImage) {
    throw new Error(
      "--zstd: wanted a partition image; kernel and initramfs are compressed already",
    );
  }
  const layers: Uploaded[] = [];
  for (const file of files) {
    layers.push(await (zstd ? pushPacked : pushFile)(target, file, follower));
  }
  const packed = packManifest({
    artifactType: RELEASE_TYPE,
    layers: layers.map(({ layer }) => layer),
    annotations,
  });
  await pushManifest(target, packed);
  if (tag !== undefined) await target.tag(packed.descriptor, tag);
  return { manifest: packed.descriptor, layers };
}

async function pushFile(
  target: Target,
  { artifact, path, sha256, size }: ReleaseFile,
  follower: Follower,
): Promise<Uploaded> {
  const layer = {
    mediaType: MEDIA_TYPES[artifact],
    digest: `sha256:${sha256}`,
    size,
    annotations: { [TITLE]: path.slice(path.lastIndexOf("/") + 1) },
  };
  return await upload(target, artifact, layer, () => bytesOf(path), follower);
}

/** The node checks what comes out of it, so that is in the annotations. */
async function pushPacked(
  target: Target,
  file: ReleaseFile,
  follower: Follower,
): Promise<Uploaded> {
  const temporary = await Deno.makeTempFile({ suffix: ".zst" });
  try {
    await compress(file.path, temporary, (done) => {
      follower.progress("compressing", file.artifact, done, file.size);
    });
    const layer = {
      mediaType: ZSTD_SLOT_TYPE,
      digest: `sha256:${await sha256OfFile(temporary)}`,
      size: (await Deno.stat(temporary)).size,
      annotations: {
        ...contentAnnotations(file),
        [TITLE]: `${file.path.slice(file.path.lastIndexOf("/") + 1)}.zst`,
      },
    };
    return await upload(target, file.artifact, layer, () => bytesOf(temporary), follower);
  } finally {
    await Deno.remove(temporary);
  }
}
