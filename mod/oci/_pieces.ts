/** The bytes of artifacts that do not lie open in a layer of their own. */

import type { Artifact } from "../core/mod.ts";
import {
  type Descriptor,
  OrasError,
  packingOfTar,
  readTar,
  unpack,
  verified,
} from "../oras/mod.ts";
import type { Line } from "./_line.ts";
import type { Place } from "./release_of.ts";
import { IMAGE_PATHS } from "./release_terms.ts";

/** What is known of layers that have been searched to their end, by digest. */
export type Searched = Map<string, ReadonlySet<string>>;

/** The artifact's bytes: as many as it has to have, or a failure, never one more. */
export async function* piecesOf(
  artifact: Artifact,
  place: Place,
  line: Line,
  searched: Searched,
): AsyncGenerator<Uint8Array> {
  const pieces = place.kind === "layer"
    ? unpack(verified(place.layer, line.bytes(place.layer)), place.packing)
    : fileOf(place, line, searched);
  const wanted = artifact.size ?? 0;
  const wrong = (found: string) =>
    new OrasError(
      "content",
      `unpacking ${artifact.name}`,
      `${found} the ${wanted} bytes announced`,
    );
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > wanted) throw wrong("more than");
    if (piece.length > 0) yield piece;
  }
  if (size < wanted) throw wrong(`${size} bytes instead of`);
}

/** The file as a container would see it: that of the topmost layer that has one. */
async function* fileOf(
  { layers, path }: Extract<Place, { kind: "file" }>,
  line: Line,
  searched: Searched,
): AsyncGenerator<Uint8Array> {
  const action = `looking for ${path} in the image`;
  for (const layer of layers.toReversed()) {
    if (searched.get(layer.digest)?.has(path) === false) continue;
    const names = new Set<string>();
    for await (const { name, content } of filesOf(layer, line)) {
      const plain = name.replace(/^(\.?\/+)+/, "");
      if (plain === path) {
        if (names.has(path)) throw new OrasError("content", action, "two of them in one layer");
        yield* content;
      }
      if (Object.values(IMAGE_PATHS).includes(plain)) names.add(plain);
    }
    searched.set(layer.digest, names);
    if (names.has(path)) return;
  }
  throw new OrasError("content", action, "no such file in any of its layers");
}

function filesOf(layer: Descriptor, line: Line): ReturnType<typeof readTar> {
  const packing = packingOfTar(layer.mediaType) ?? "none";
  return readTar(unpack(verified(layer, line.bytes(layer)), packing));
}
