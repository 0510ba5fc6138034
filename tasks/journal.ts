/**
 * ext4 after a power cut.
 *
 * @module
 */

import { MIB } from "./disk_layout.ts";
import { askExt4, type Ext4Place } from "./ext4.ts";
import { run } from "./run.ts";

/** e2fsck's exit code where it changed something, and all is well now. */
const CORRECTED = 1;

/** A file system that fills `size` bytes of an image. */
export type SizedPlace = Ext4Place & { readonly size: number };

/** Whether the file system was not unmounted, so that its journal knows more than the rest of it. */
export async function needsReplay(place: Ext4Place): Promise<boolean> {
  return new TextDecoder().decode(await askExt4(place, "features")).includes("needs_recovery");
}

/** Runs `body` with a copy of the file system whose journal was replayed; the image stays as it is. */
export async function withReplayedCopy<T>(
  place: SizedPlace,
  body: (copy: Ext4Place) => Promise<T>,
): Promise<T> {
  const image = await Deno.makeTempFile({ prefix: "kubesolo-journal-" });
  try {
    await copyMiB(place.size, `if=${place.image}`, `skip=${place.offset / MIB}`, `of=${image}`);
    // On the image itself e2fsck and debugfs lose the offset when they open it again afterwards.
    await run("e2fsck", ["-y", "-E", "journal_only", image], { accept: [CORRECTED] });
    return await body({ image, offset: 0 });
  } finally {
    await Deno.remove(image);
  }
}

/**
 * Resolves when what only the journal knew is in the file system; nothing happens to one that was
 * unmounted. Without it, the replay at the next mount would undo what is changed meanwhile.
 */
export async function replayJournal(place: SizedPlace): Promise<void> {
  if (!await needsReplay(place)) return;
  await withReplayedCopy(place, async ({ image }) => {
    await copyMiB(place.size, `if=${image}`, `of=${place.image}`, `seek=${place.offset / MIB}`);
  });
}

async function copyMiB(size: number, ...what: string[]): Promise<void> {
  await run("dd", [...what, `count=${size / MIB}`, "bs=1M", "status=none", "conv=notrunc"]);
}
