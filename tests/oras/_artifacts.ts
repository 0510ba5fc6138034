import { describe, type Descriptor, IMAGE_MANIFEST, type Repository } from "../../mod/oras/mod.ts";

/** Content and its descriptor. */
export interface Piece {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes that compress badly and differ by `seed`. */
export function noise(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) words[i] = state = (state * 1664525 + 1013904223) >>> 0;
  return new Uint8Array(words.buffer, 0, size).slice();
}

/** A piece of JSON. */
export function json(mediaType: string, value: unknown): Piece {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { descriptor: describe(mediaType, bytes), bytes };
}

/** A blob. */
export function blob(bytes: Uint8Array<ArrayBuffer>): Piece {
  return { descriptor: describe("application/vnd.oci.image.layer.v1.tar", bytes), bytes };
}

/** An image with one layer, as container programs take it: layer, config, manifest. */
export function image(layer: Piece, changes: Record<string, unknown> = {}): Piece[] {
  const config = json("application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] },
  });
  const manifest = json(IMAGE_MANIFEST, {
    schemaVersion: 2,
    mediaType: IMAGE_MANIFEST,
    config: config.descriptor,
    layers: [layer.descriptor],
    ...changes,
  });
  return [layer, config, manifest];
}

/** Pushes all, and gives the last of them. */
export async function pushAll(repository: Repository, pieces: readonly Piece[]): Promise<Piece> {
  for (const { descriptor, bytes } of pieces) await repository.push(descriptor, bytes);
  return pieces[pieces.length - 1];
}

/** All bytes of a stream. */
export async function bytesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
