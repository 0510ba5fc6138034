/**
 * The source behind `--from`.
 *
 * @module
 */

import { type Disk, reasonOf, type Trust, UpdateError, type UpdateSource } from "../core/mod.ts";
import { DirectorySource, LATEST_FILE, MEDIUM_ADVICE, MediumSource } from "../media/mod.ts";
import { BLOBS, ImageLayout, INDEX_FILE, LAYOUT_FILE, OrasError, TarLayout } from "../oras/mod.ts";
import { OciSource, ROOT_TAG } from "../oci/mod.ts";
import { mustBeInside, type Place, placeOf, type PlaceOptions } from "./medium_place.ts";

/** How the names of bundles end. */
const BUNDLE_SUFFIX = ".ksu";

/** What an image layout is read from. */
const LAYOUT_PARTS = [LAYOUT_FILE, INDEX_FILE, BLOBS];

/** Tags that are no release's: cosign's, and those that stand for the referrers API. */
const SIGNATURE_TAG = /^sha256-[0-9a-f]{64}/;

/** First bytes of what is compressed: gzip (RFC 1952), zstd (RFC 8878). */
const PACKED = ["1f8b", "28b52ffd"];

/** What a medium is read with. */
export interface MediumOptions extends PlaceOptions {
  readonly disk: Disk;
  /** The tag that was asked for on the command line. */
  readonly tag?: string;
  /** The tag that counts where there are several. */
  readonly usualTag?: string;
  readonly trust?: Trust;
}

/**
 * The source of the release at `path`: a bundle, an image layout, a directory with `latest.json`, or a
 * block device with one of them at the top of its file system, which is mounted until `held` ends.
 *
 * @throws {UpdateError} `usage` where the path cannot be used, `source` where nothing is there,
 * `verification` where it is none of these.
 */
export async function openMedium(path: string, options: MediumOptions): Promise<UpdateSource> {
  const place = await placeOf(path, options);
  try {
    return new MediumSource(await sourceAt(place, options));
  } catch (error) {
    if (error instanceof UpdateError) throw error;
    const isWrong = error instanceof OrasError && error.code === "content";
    throw new UpdateError(isWrong ? "verification" : "source", {
      operation: `reading ${place.name}`,
      found: reasonOf(error),
      advice: isWrong
        ? "nothing was staged; copy it onto the medium once more, and run it again"
        : MEDIUM_ADVICE,
      cause: error,
    });
  }
}

async function sourceAt(place: Place, options: MediumOptions): Promise<UpdateSource> {
  if ((await Deno.stat(place.path)).isFile) return await bundleAt(place, options);
  const { path, name } = place;
  const names = (await Array.fromAsync(Deno.readDir(path))).map((entry) => entry.name).sort();
  const found = names.filter((name) =>
    name === LAYOUT_FILE || name === LATEST_FILE ||
    // what macOS leaves beside files begins with a dot
    name.endsWith(BUNDLE_SUFFIX) && !name.startsWith(".")
  );
  if (found.length !== 1) {
    throw new UpdateError("source", {
      operation: `looking for a release in ${name}`,
      found: found.length > 1
        ? `${found.length} of them: ${found.join(", ")}`
        : `no ${LATEST_FILE}, no ${LAYOUT_FILE}, no file *${BUNDLE_SUFFIX}`,
      advice: found.length > 1 ? "leave one of them there" : "copy a bundle to the top of it",
    });
  }
  const [only] = found;
  if (only === LATEST_FILE) return await directoryAt(place, options);
  if (only === LAYOUT_FILE) return await layoutAt(place, options);
  return await bundleAt({ ...place, path: `${path}/${only}`, name: `${name}/${only}` }, options);
}

async function directoryAt(
  { path, name }: Place,
  { disk, trust }: MediumOptions,
): Promise<UpdateSource> {
  const { parseLatest, parseSteppingStones } = await import("../http/mod.ts");
  const reader = { latest: parseLatest, steppingStones: parseSteppingStones };
  return new DirectorySource({ directory: path, name, disk, reader, trust });
}

async function layoutAt(place: Place, options: MediumOptions): Promise<UpdateSource> {
  for (const part of LAYOUT_PARTS) await mustBeInside(place, `${place.path}/${part}`);
  return await releaseIn(await ImageLayout.open(place.path), place, options);
}

async function bundleAt(place: Place, options: MediumOptions): Promise<UpdateSource> {
  await mustBeInside(place, place.path);
  // who opens a pipe waits for one that writes
  if (!(await Deno.stat(place.path)).isFile) {
    throw new UpdateError("verification", {
      operation: `reading ${place.name}`,
      found: "no regular file",
      advice: "put the bundle itself there",
    });
  }
  if (await isPacked(place.path)) {
    throw new UpdateError("verification", {
      operation: `reading ${place.name}`,
      found: "a compressed file",
      advice:
        "unpack it first: bundles are read from within, and what is in them may be compressed",
    });
  }
  return await releaseIn(await TarLayout.open(place.path), place, options);
}

async function releaseIn(
  layout: ImageLayout | TarLayout,
  { name }: Place,
  { tag, usualTag, trust }: MediumOptions,
): Promise<UpdateSource> {
  const tags = (await layout.tags()).filter((tag) =>
    !SIGNATURE_TAG.test(tag) && !ROOT_TAG.test(tag)
  );
  const only = tags.length === 1 ? tags[0] : tags.find((tag) => tag === usualTag);
  const reference = tag ?? only;
  if (reference === undefined) {
    throw new UpdateError(tags.length > 0 ? "usage" : "verification", {
      operation: `choosing a release in ${name}`,
      found: tags.length > 0 ? `several tags: ${tags.join(", ")}` : "no tag",
      advice: tags.length > 0 ? "name one of them with --tag" : "make it with deno task bundle",
    });
  }
  return new OciSource({
    name: `${name}:${reference}`,
    target: layout,
    reference,
    architecture: Deno.build.arch,
    trust,
  });
}

async function isPacked(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const head = new Uint8Array(4);
  await file.read(head);
  return PACKED.some((magic) => head.toHex().startsWith(magic));
}
