/**
 * Onto a device that was chosen with care, or into a new file.
 *
 * @module
 */

import { dirname, resolve } from "@std/path";
import { reasonOf, UpdateError } from "../../mod/core/mod.ts";
import { surveyDisks, surveyedDisk } from "../../mod/provision/mod.ts";
import { askToErase, mustBeFree } from "./choose_disk.ts";
import { HostView } from "./host_view.ts";
import { type Load, writeTarget } from "./write_target.ts";

/** What was made. */
export interface Outcome {
  /** `/dev/sdb`, or the file. */
  readonly target: string;
  readonly model?: string;
  readonly serial?: string;
  /** Bytes. */
  readonly size: number;
  /** The disk's identifier. */
  readonly guid: string;
  /** Whether it was read back from the device itself, and not from the kernel's memory of it. */
  readonly direct: boolean;
}

/** A disk that somebody wants to have written over. */
export interface DiskWish {
  readonly device: string;
  /** Bytes that it has to have. */
  readonly needed: number;
  /** Its serial number, where it may be one that is not removable. */
  readonly serial?: string;
  /** Nobody is asked. */
  readonly yes: boolean;
}

/**
 * Resolves when the disk is the node's.
 *
 * @throws {UpdateError} `refused` where anything speaks against it; as {@linkcode writeTarget} does.
 */
export async function provisionDevice(load: Load, wish: DiskWish): Promise<Outcome> {
  await using view = await HostView.open();
  const survey = async () => {
    const disks = await surveyDisks({ view: view.path, ...wish });
    const found = await surveyedDisk(disks, wish.device, view.path);
    mustBeFree(found);
    return found;
  };
  const asked = await survey();
  if (!wish.yes) await askToErase(asked, load.signal);
  using _turn = await lock(asked.path, asked.device);
  // it may have been mounted, or changed for another, while the question stood there
  const { device, path, model, serial, size } = await survey();
  if (device !== asked.device || serial !== asked.serial || size !== asked.size) {
    throw new UpdateError("refused", {
      operation: `looking at ${device} again`,
      found: "another disk than before",
      advice: "run it again",
    });
  }
  const scratch = await view.scratch();
  const written = await writeTarget(load, { name: device, path, blank: false, scratch });
  return { target: device, model, serial, size, ...written };
}

/** Holds the device, as udev and a second run of this respect it: systemd's BLOCK_DEVICE_LOCKING. */
async function lock(path: string, device: string): Promise<Deno.FsFile> {
  const operation = `opening ${device}`;
  const file = await Deno.open(path).catch((cause) => {
    throw new UpdateError("slot", {
      operation,
      found: reasonOf(cause),
      advice: cause instanceof Deno.errors.PermissionDenied
        ? "run it as root"
        : "see that it is in place",
      cause,
    });
  });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new UpdateError("refused", {
    operation,
    found: "another program is at work on it",
    advice: "wait until that has ended",
  });
}

/** A file that somebody wants to have. */
export interface FileWish {
  readonly image: string;
  /** Bytes. */
  readonly size: number;
  /** Names of files that it is made of: it takes the place of none of them. */
  readonly sources: readonly string[];
}

/**
 * Resolves when `image` is a file of `size` bytes with the node's disk, in the place of one that was
 * there; where that fails nothing has changed.
 *
 * @throws {UpdateError} `usage` where it cannot be made; as {@linkcode writeTarget} does.
 */
export async function provisionFile(
  load: Load,
  { image, size, sources }: FileWish,
): Promise<Outcome> {
  const output = resolve(image);
  const problem = (cause: unknown) =>
    new UpdateError("usage", {
      operation: `making --image ${image}`,
      found: cause instanceof Deno.errors.NotCapable
        ? "it lies outside the directory that this was started in"
        : reasonOf(cause),
      advice: "name another file, in a directory that can be written",
      cause,
    });
  const there = await Deno.stat(output).catch(() => undefined);
  if (there && !there.isFile) throw problem("something is there that is no file");
  // what is found out here reads better than what a directory in it cannot be made for
  if (await isAbsent(dirname(output))) throw problem("its directory is not there");
  for (const source of [load.image.name, ...sources]) {
    if (await isSame(output, source)) throw problem(`it is ${source}, which goes into it`);
  }
  const scratch = await Deno.makeTempDir({ dir: dirname(output), prefix: ".provision-" })
    .catch((cause) => {
      throw problem(cause);
    });
  try {
    const path = `${scratch}/disk.img`;
    await Deno.writeFile(path, new Uint8Array(), { createNew: true });
    await Deno.truncate(path, size).catch((cause) => {
      throw problem(cause);
    });
    const written = await writeTarget(load, { name: image, path, blank: true, scratch });
    await Deno.rename(path, output);
    return { target: image, size, ...written };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all(
    [one, other].map((path) => Deno.realPath(path).catch(() => undefined)),
  );
  return first !== undefined && first === second;
}

async function isAbsent(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => false, (error) => error instanceof Deno.errors.NotFound);
}
