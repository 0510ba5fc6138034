/**
 * The image of the benchmark as an artifact: in a layout, in a registry, and as files that a file server
 * serves as a registry would.
 *
 * @module
 */

import { RELEASE_TYPE, SLOT_TYPE } from "../../mod/oci/mod.ts";
import {
  copy,
  type Descriptor,
  ImageLayout,
  packManifest,
  parseReference,
  pushManifest,
  RegistryClient,
  Repository,
} from "../../mod/oras/mod.ts";

/** Where the artifact is, in any registry. */
export const REPOSITORY = "bench/os";

/** Its tag. */
export const TAG = "stable";

/** The image in `www` as an artifact: in `www/layout`, and from there in the registry at `host`. */
export async function publishArtifact(www: string, host: string): Promise<void> {
  const latest = JSON.parse(await Deno.readTextFile(`${www}/latest.json`));
  const layer: Descriptor = {
    mediaType: SLOT_TYPE,
    digest: `sha256:${latest.image_sha256}`,
    size: latest.image_size,
  };
  await Deno.remove(`${www}/layout`, { recursive: true }).catch(() => {});
  const layout = await ImageLayout.create(`${www}/layout`);
  await layout.push(layer, (await Deno.open(`${www}/image`)).readable);
  const packed = packManifest({
    artifactType: RELEASE_TYPE,
    layers: [layer],
    annotations: {
      "io.kubesolo.os.version": latest.version,
      "io.kubesolo.os.channel": latest.channel,
      "io.kubesolo.os.architecture": latest.architecture,
    },
  });
  await pushManifest(layout, packed);
  await layout.tag(packed.descriptor, TAG);
  const reference = parseReference(`${host}/${REPOSITORY}`);
  await copy(layout, TAG, new Repository(reference, new RegistryClient({ plainHttp: true })), {
    tag: TAG,
  });
}

/** Makes a file server that serves `www` answer as a registry: manifests and blobs at their paths. */
export async function serveAsRegistry(www: string): Promise<void> {
  const layout = await ImageLayout.open(`${www}/layout`);
  const { digest } = await layout.resolve(TAG);
  const repository = `${www}/v2/${REPOSITORY}`;
  const blob = (of: string) => `${www}/layout/blobs/${of.replace(":", "/")}`;
  await Deno.mkdir(`${repository}/manifests`, { recursive: true });
  await Deno.mkdir(`${repository}/blobs`);
  for (const name of [TAG, digest]) {
    await Deno.symlink(blob(digest), `${repository}/manifests/${name}`);
  }
  for await (const { name } of Deno.readDir(`${www}/layout/blobs/sha256`)) {
    await Deno.symlink(blob(`sha256:${name}`), `${repository}/blobs/sha256:${name}`);
  }
}
