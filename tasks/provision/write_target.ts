/**
 * The image, the documents and the bundle onto whatever can be written.
 *
 * @module
 */

import { basename } from "@std/path";
import { type Disk, reasonOf, UpdateError } from "../../mod/core/mod.ts";
import { type DiskImage, DiskMedium, FileSystemTools } from "../../mod/provision/mod.ts";
import { growData, mustBeNamed, type NewFile, writeDisk } from "../../mod/provision/mod.ts";
import type { PlacedDocument } from "./documents.ts";
import { Progress } from "./progress.ts";

/** Permissions of the documents on their way. */
const SCRATCH_MODE = 0o600;

/** What is written. */
export interface Load {
  /** Opens files and devices. */
  readonly disk: Disk;
  readonly image: DiskImage;
  readonly documents: readonly PlacedDocument[];
  /** A bundle, by its absolute path. */
  readonly bundle?: string;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/** Where it goes. */
export interface Target {
  /** For messages. */
  readonly name: string;
  /** Where it can be opened. */
  readonly path: string;
  /** A new file, which has its size already. */
  readonly blank: boolean;
  /** For the documents on their way. */
  readonly scratch: string;
}

/**
 * Resolves when the target is a whole disk, with the documents and the bundle: its identifier, and whether
 * it was read back from the device itself.
 *
 * @throws {UpdateError} as {@linkcode writeDisk} and {@linkcode growData} do.
 */
export async function writeTarget(
  { disk, image, documents, bundle, signal }: Load,
  { name, path, blank, scratch }: Target,
): Promise<{ guid: string; direct: boolean }> {
  const tools = await FileSystemTools.find();
  const files: NewFile[] = [];
  for (const [at, { text, ...placed }] of documents.entries()) {
    const source = `${scratch}/document-${at}`;
    await Deno.writeTextFile(source, text, { mode: SCRATCH_MODE });
    files.push({ ...placed, source });
  }
  if (bundle) {
    files.push({ path: `kubesolo/bundle/${basename(bundle)}`, source: bundle, mode: 0o644 });
  }
  mustBeNamed(files);
  const progress = new Progress();
  using medium = await DiskMedium.open({ disk, name, path, blank }).catch((cause) => {
    throw new UpdateError("slot", {
      operation: `opening ${name}`,
      found: reasonOf(cause),
      advice: "see that it is in place, can be written, and is in nobody's use",
      cause,
    });
  });
  if (!blank) await tools.mustBeUnused(path, name);
  const direct = medium.isDirect;
  const place = { tools, disk, path, ...blank && { scratch } };
  const { guid } = await writeDisk({
    image,
    medium,
    signal,
    progress: (step, done, total) => progress.show(step, done, total),
    fill: (data, before) => growData({ ...place, data, before, files, direct }),
  });
  return { guid, direct };
}
