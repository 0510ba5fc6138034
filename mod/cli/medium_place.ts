/**
 * Where what `--from` names can be read.
 *
 * @module
 */

import { normalize } from "@std/path";
import { type Mounts, reasonOf, type Reporter, UpdateError } from "../core/mod.ts";
import { HOST_VIEW } from "../host/mod.ts";
import { scopedPath } from "./scope.ts";

/** Where something is, and what the operator calls it. */
export interface Place {
  readonly path: string;
  readonly name: string;
  /** Nothing outside of it is read. */
  readonly root: string;
}

/** How a device is mounted. */
export interface PlaceOptions {
  /** Mounts the device, where one is named. */
  readonly mounts: Mounts;
  /** Ends the mount. */
  readonly held: AsyncDisposableStack;
  readonly reporter: Reporter;
}

/**
 * The place that an operator calls `path`; a device is mounted until `held` ends.
 *
 * @throws {UpdateError} `usage` where the path cannot be used, `source` where nothing is there.
 */
export async function placeOf(path: string, options: PlaceOptions): Promise<Place> {
  const clean = normalize(path);
  return clean.startsWith("/dev/") ? await mountedDevice(clean, options) : await ownPath(clean);
}

/**
 * Resolves where `path` is inside of the place, whatever links there are.
 *
 * @throws {UpdateError} `verification` where it is not.
 */
export async function mustBeInside({ root, name }: Place, path: string): Promise<void> {
  const [home, real] = await Promise.all([Deno.realPath(root), Deno.realPath(path)]);
  if (real === home || real.startsWith(`${home}/`)) return;
  throw new UpdateError("verification", {
    operation: `reading ${name}`,
    found: `${path} is a link that leads out of it`,
    advice: "put the file itself there",
  });
}

/** What lies where the agent may read. */
async function ownPath(path: string): Promise<Place> {
  const plain = path.replace(/(?<=.)\/+$/, "");
  try {
    const own = await scopedPath("--from", plain, "read");
    await Deno.stat(own);
    return { path: own, name: own, root: own };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UpdateError("source", {
        operation: `reading ${plain}`,
        found: "nothing is there",
        advice: "name a bundle, a directory, or a device such as /dev/sdb1",
        cause: error,
      });
    }
    if (!(error instanceof UpdateError)) throw error;
    const { code, operation, found } = error;
    throw new UpdateError(code, {
      operation,
      found,
      advice:
        "name the stick's device, such as --from /dev/sdb1, which is then mounted to be read; " +
        "or have it mounted below /run/kubesolo-update",
      cause: error,
    });
  }
}

async function mountedDevice(
  device: string,
  { mounts, held, reporter }: PlaceOptions,
): Promise<Place> {
  const home = await Deno.realPath(`${HOST_VIEW}/dev`);
  const path = await blockDevice(home, device);
  if (path === undefined) {
    throw new UpdateError("usage", {
      operation: "reading --from",
      found: `${device} is no block device`,
      advice: "name the stick's partition, such as /dev/sdb1; `lsblk` lists them",
    });
  }
  const name = `/dev/${path.slice(home.length + 1)}`;
  const partition = { label: "--from", device: name, path };
  const begun = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<void>();
  const work = mounts.using(partition, "read", (directory) => {
    begun.resolve(directory);
    return ended.promise;
  });
  work.catch(begun.reject);
  let directory: string;
  try {
    directory = await begun.promise;
  } catch (cause) {
    throw new UpdateError("source", {
      operation: `mounting ${name} to read it`,
      found: cause instanceof UpdateError ? cause.found : reasonOf(cause),
      advice: "name a partition with ext4 or FAT that was unmounted cleanly, such as /dev/sdb1",
      cause,
    });
  }
  held.defer(async () => {
    ended.resolve();
    // what was taken from it is complete all the same
    await work.catch((error) => reporter.report({ kind: "warning", message: reasonOf(error) }));
  });
  return { path: directory, name, root: directory };
}

/** Where the device can be opened, behind links such as `/dev/disk/by-label/STICK`. */
async function blockDevice(home: string, device: string): Promise<string | undefined> {
  try {
    const path = await Deno.realPath(`${home}/${device.slice("/dev/".length)}`);
    return path.startsWith(`${home}/`) && (await Deno.stat(path)).isBlockDevice ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
