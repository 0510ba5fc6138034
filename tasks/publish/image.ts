/**
 * A release directory as an ordinary container image.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { ARCHITECTURES } from "../../mod/core/mod.ts";
import { CONFIG_TYPES, IMAGE_PATHS } from "../../mod/oci/mod.ts";
import {
  describe,
  type Descriptor,
  packManifest,
  pushManifest,
  type Target,
  writeTar,
} from "../../mod/oras/mod.ts";
import type { ArtifactOptions } from "./artifact.ts";
import { contentAnnotations, readRelease, type ReleaseFile } from "./release_directory.ts";
import { bytesOf, type Follower, type Published, SILENT, upload, type Uploaded } from "./upload.ts";

const TAR_TYPE = "application/vnd.oci.image.layer.v1.tar";

/**
 * Resolves when the release in `directory` is in `target` as a container image: a layer for each file, and
 * what is known of the release both as annotations and as labels. The same release is the same image.
 *
 * @throws {Error} where the directory has no kernel and initramfs, or does not say for what architecture;
 * {@linkcode OrasError} where the target does not take it.
 */
export async function publishImage(
  directory: string,
  target: Target,
  tag?: string,
  { follower = SILENT, steppingStones }: Omit<ArtifactOptions, "zstd"> = {},
): Promise<Published> {
  const { annotations, architecture, date, files } = await readRelease(directory, steppingStones);
  if (files.some(({ artifact }) => IMAGE_PATHS[artifact] === undefined)) {
    throw new Error("--as-image: wanted a kernel and an initramfs, found a partition image");
  }
  if (!architecture) {
    throw new Error(`${directory}/latest.json: wanted an architecture, found none`);
  }
  // the node searches from the top, and wants the kernel first
  const layers: Uploaded[] = [];
  for (const file of files.toReversed()) layers.push(await pushLayer(target, file, follower));
  const labels = Object.assign({}, annotations, ...files.map(contentAnnotations));
  const config = new TextEncoder().encode(JSON.stringify({
    ...date !== undefined && !Number.isNaN(Date.parse(date)) ? { created: date } : {},
    architecture: goName(architecture),
    os: "linux",
    config: { Labels: labels },
    rootfs: { type: "layers", diff_ids: layers.map(({ layer }) => layer.digest) },
    history: layers.map(({ name }) => ({ created_by: `kubesolo-update publish: ${name}` })),
  }));
  const descriptor = describe(CONFIG_TYPES[0], config);
  await target.push(descriptor, config);
  const packed = packManifest({
    config: descriptor,
    layers: layers.map(({ layer }) => layer),
    annotations: labels,
  });
  await pushManifest(target, packed);
  if (tag !== undefined) await target.tag(packed.descriptor, tag);
  return { manifest: packed.descriptor, layers };
}

/** The architecture in Go's words. */
export function goName(architecture: string): string {
  const [go = architecture] = [...ARCHITECTURES]
    .find(([, machine]) => machine === architecture) ?? [];
  return go;
}

async function pushLayer(
  target: Target,
  file: ReleaseFile,
  follower: Follower,
): Promise<Uploaded> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const bytes of tarOf(file)) {
    hash.update(bytes);
    size += bytes.length;
  }
  const layer: Descriptor = { mediaType: TAR_TYPE, digest: `sha256:${hash.digest("hex")}`, size };
  return await upload(target, file.artifact, layer, () => tarOf(file), follower);
}

function tarOf({ artifact, path, size }: ReleaseFile): AsyncGenerator<Uint8Array> {
  return writeTar([{ name: IMAGE_PATHS[artifact] ?? artifact, size, content: bytesOf(path) }]);
}
