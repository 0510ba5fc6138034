/**
 * Content on its way into a registry or a layout, and what is said about it meanwhile.
 *
 * @module
 */

import type { ByteStream, Descriptor, Target } from "../../mod/oras/mod.ts";

/** A layer that is there now. */
export interface Uploaded {
  /** The artifact that it holds. */
  readonly name: string;
  readonly layer: Descriptor;
  /** It was there before, and was not sent. */
  readonly wasThere: boolean;
}

/** What was published. */
export interface Published {
  readonly manifest: Descriptor;
  readonly layers: readonly Uploaded[];
}

/** Hears how far it is. */
export interface Follower {
  /** So many bytes of `total` have been compressed, copied or sent. */
  progress(
    action: "compressing" | "copying" | "sending",
    name: string,
    done: number,
    total: number,
  ): void;
  /** The layer is there. */
  uploaded(layer: Uploaded): void;
}

/** Says nothing. */
export const SILENT: Follower = { progress() {}, uploaded() {} };

/** Resolves when the layer is in the target; `open` gives its bytes where they are needed. */
export async function upload(
  target: Target,
  name: string,
  layer: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  follower: Follower,
): Promise<Uploaded> {
  const wasThere = await target.exists(layer);
  if (!wasThere) {
    const told = tell(open(), (done) => follower.progress("sending", name, done, layer.size));
    // files and tars lie in memory that nobody shares
    await target.push(layer, ReadableStream.from(told) as ByteStream);
  }
  const uploaded = { name, layer, wasThere };
  follower.uploaded(uploaded);
  return uploaded;
}

/** The same bytes; `listen` hears how many have passed. */
export async function* tell(
  bytes: AsyncIterable<Uint8Array>,
  listen: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const some of bytes) {
    yield some;
    done += some.length;
    listen(done);
  }
}

/** The bytes of a file. */
export async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  yield* (await Deno.open(path)).readable;
}
