/**
 * Looking into a disk image and changing it while no machine runs from it.
 *
 * @module
 */

import type { Slot } from "../mod/core/mod.ts";
import { LABELS } from "../mod/core/mod.ts";
import { commandsFor, quoted } from "../mod/provision/mod.ts";
import { askExt4, editExt4, type Ext4Place } from "./ext4.ts";
import { type FatPlace, readFat, removeFat, writeFat } from "./fat.ts";
import { imagePartition } from "./partition_table.ts";
import { needsReplay, replayJournal, type SizedPlace, withReplayedCopy } from "./journal.ts";

/** `active_slot`, `boot_counter` and `boot_success`, as the file has them. */
export type GrubVariables = Readonly<Record<string, string>>;

/** The variables in `grub/<name>`, `grubenv` or `grubenv.bak`; none where it is no environment. */
export async function readGrubenv(image: string, name = "grubenv"): Promise<GrubVariables> {
  const text = new TextDecoder().decode(await readEspFile(image, `grub/${name}`));
  return Object.fromEntries(
    text.split("\n").filter((line) => !line.startsWith("#") && line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** The three variables in one word, such as `A/3/1`; `-` stands for one that is not there. */
export async function grubenvSummary(image: string, name = "grubenv"): Promise<string> {
  const variables = await readGrubenv(image, name);
  return ["active_slot", "boot_counter", "boot_success"]
    .map((variable) => variables[variable] ?? "-").join("/");
}

/** The bytes of a file on the ESP. */
export async function readEspFile(image: string, path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await readFat(await esp(image), path);
}

/** Resolves when a file on the ESP has `bytes`. */
export async function writeEspFile(image: string, path: string, bytes: Uint8Array): Promise<void> {
  await writeFat(await esp(image), path, bytes);
}

/** Resolves when a file that was on the ESP is gone. */
export async function removeEspFile(image: string, path: string): Promise<void> {
  await removeFat(await esp(image), path);
}

/** The bytes of a file in a slot, as GRUB sees them: what only the journal knows is left out. */
export async function readSlotFile(
  image: string,
  slot: Slot,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  return await askExt4(await ext4(image, LABELS[slot]), `cat ${quoted(`/${name}`)}`);
}

/** Resolves when a file in a slot has `bytes`. */
export async function writeSlotFile(
  image: string,
  slot: Slot,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  await writeExt4File(await ext4(image, LABELS[slot]), name, bytes);
}

/** Resolves when a file that was in a slot is gone. */
export async function removeSlotFile(image: string, slot: Slot, name: string): Promise<void> {
  const place = await ext4(image, LABELS[slot]);
  await replayJournal(place);
  await editExt4(place, [`rm ${quoted(`/${name}`)}`]);
}

/** The bytes of a file on the data partition, as the node sees them after its next mount. */
export async function readDataFile(image: string, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const place = await ext4(image, LABELS.data);
  const read = (from: Ext4Place) => askExt4(from, `cat ${quoted(`/${path}`)}`);
  return await needsReplay(place) ? await withReplayedCopy(place, read) : await read(place);
}

/** Resolves when a file on the data partition has `bytes`; directories above it are made. */
export async function writeDataFile(
  image: string,
  path: string,
  bytes: Uint8Array,
  mode = 0o644,
): Promise<void> {
  await writeExt4File(await ext4(image, LABELS.data), path, bytes, mode);
}

async function esp(image: string): Promise<FatPlace> {
  return { image, offset: (await imagePartition(image, LABELS.efi)).offset };
}

async function ext4(image: string, name: string): Promise<SizedPlace> {
  return { image, ...await imagePartition(image, name) };
}

async function writeExt4File(
  place: SizedPlace,
  path: string,
  bytes: Uint8Array,
  mode = 0o644,
): Promise<void> {
  const source = await Deno.makeTempFile({ prefix: "kubesolo-offline-" });
  try {
    await replayJournal(place);
    await Deno.writeFile(source, bytes);
    const parts = path.split("/");
    const parents = parts.slice(0, -1).map((_, depth) => parts.slice(0, depth + 1).join("/"));
    const missing = await missingOf(place, parents);
    const old = (await missingOf(place, [path])).length === 0;
    await editExt4(place, [
      ...missing.flatMap((directory) => commandsFor({ kind: "directory", path: directory })),
      ...old ? [`rm ${quoted(`/${path}`)}`] : [],
      ...commandsFor({ kind: "file", path, source, mode }),
    ]);
  } finally {
    await Deno.remove(source);
  }
}

/** Those of `paths` that are not there. */
async function missingOf(place: SizedPlace, paths: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const path of paths) {
    const there = await askExt4(place, `stat ${quoted(`/${path}`)}`).then(() => true, () => false);
    if (!there) missing.push(path);
  }
  return missing;
}
