/** Content for tests: a real image, small, and what stands around it. */

import {
  describe,
  type Descriptor,
  digestOf,
  type PackedManifest,
  packManifest,
  pushManifest,
  readAll,
  type ReadOnlyTarget,
  type Target,
} from "@kubesolo/update/oras";

/** Type of an image's layer. */
export const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";
/** Type of an image's configuration. */
export const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";

/** Some bytes and what they are called. */
export interface Blob {
  readonly target: Descriptor;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A blob that holds this text. */
export function textBlob(text: string, mediaType = "text/plain"): Blob {
  const bytes = new TextEncoder().encode(text);
  return { target: describe(mediaType, bytes), bytes };
}

/** Pushes an image that skopeo takes for one: its layer is a tar of `file`, by tar(1). */
export async function pushImage(to: Target, file: string): Promise<PackedManifest> {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/file`, file);
  const layer = await run("tar", "-C", directory, "--mtime=@0", "-cf", "-", "file");
  await Deno.remove(directory, { recursive: true });
  const rootfs = { type: "layers", diff_ids: [digestOf(layer)] };
  const config = textBlob(
    JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs }),
    CONFIG_TYPE,
  );
  const layerTarget = describe(LAYER_TYPE, layer);
  await to.push(config.target, config.bytes);
  await to.push(layerTarget, layer);
  const packed = packManifest({ config: config.target, layers: [layerTarget] });
  await pushManifest(to, packed);
  return packed;
}

/** All of the content, verified. */
export async function contentOf(
  from: ReadOnlyTarget,
  target: Descriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  return await readAll(target, await from.fetch(target), 1 << 24);
}

/** Standard output of a program that says yes. */
export async function run(
  program: string,
  ...args: readonly string[]
): Promise<Uint8Array<ArrayBuffer>> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (code !== 0) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** A directory that is gone with its owner. */
export class TemporaryDirectory implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "oras-" });

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
