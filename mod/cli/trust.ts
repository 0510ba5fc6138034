/**
 * Whom this node believes: keys in update.conf, or a root of trust.
 *
 * @module
 */

import { dirname } from "@std/path";
import {
  type Disk,
  MAX_ROOT_BYTES,
  readSmall,
  reasonOf,
  replaceFile,
  type Reporter,
  type Trust,
  UpdateError,
} from "../core/mod.ts";
import { parseRoot, type Root, RootTrust } from "../trust/mod.ts";
import { type Settings, whereOf } from "./read_settings.ts";
import { trustKeys } from "./trust_keys.ts";

/** The root that the operator gives a node. */
const INITIAL_ROOT = "/etc/kubesolo/trust.json";

/** A root, and where it was read. */
export interface RootFile {
  readonly path: string;
  readonly root: Root;
}

/** Where a node keeps what it remembers. */
export interface NodePlace {
  readonly disk: Disk;
  /** The state; a root that has taken over is kept next to it. */
  readonly state: string;
}

/** The same, and who hears of it. */
export interface RootPlace extends NodePlace {
  /** Whether this command may change it. */
  readonly mayWrite: boolean;
  readonly reporter: Reporter;
}

/**
 * Whom the settings say to believe; undefined where neither `pubkey` nor a root is there.
 *
 * @throws {UpdateError} `usage` where keys or the operator's root cannot be used, or both are there;
 * `slot` where the root that is kept cannot be read. Then nothing is taken at all.
 */
export async function openTrust(
  settings: Settings,
  place: RootPlace,
): Promise<Trust | undefined> {
  const [pubkey, given] = [settings.get("pubkey"), settings.given("pubkey")];
  const { root } = await rootInForce(settings, place) ?? {};
  if (root) return new RootTrust(root, (bytes, next) => keep(place, bytes, next));
  if (pubkey !== undefined && given !== undefined) {
    return await trustKeys(place.disk, pubkey, whereOf(given));
  }
}

/**
 * The root that counts, where there is one: the operator's, or the one that has taken over from it.
 *
 * @throws {UpdateError} as {@linkcode openTrust} does.
 */
export async function rootInForce(
  settings: Settings,
  { disk, state }: NodePlace,
): Promise<RootFile | undefined> {
  const initial = await readRoot(disk, INITIAL_ROOT, unusableRoot);
  const given = settings.given("pubkey");
  if (given) {
    if (!initial) return undefined;
    throw new UpdateError("usage", {
      operation: `reading ${whereOf(given)}`,
      found: `keys, and ${INITIAL_ROOT} as well`,
      advice: "keep one of them",
    });
  }
  const kept = await readRoot(disk, keptRoot(state), garbledRoot);
  const newer = initial && kept && initial.root.version > kept.root.version;
  return newer ? initial : kept ?? initial;
}

function keptRoot(state: string): string {
  return `${dirname(state)}/trust.json`;
}

async function readRoot(
  disk: Disk,
  path: string,
  complain: (path: string, found: string, cause?: unknown) => UpdateError,
): Promise<RootFile | undefined> {
  let bytes: Uint8Array | null;
  try {
    bytes = await readSmall(disk, path, MAX_ROOT_BYTES);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw complain(path, reasonOf(error), error);
  }
  if (!bytes) throw complain(path, `more than ${MAX_ROOT_BYTES} bytes`);
  try {
    return { path, root: parseRoot(bytes) };
  } catch (error) {
    throw complain(path, reasonOf(error), error);
  }
}

async function keep(
  { disk, state, mayWrite, reporter }: RootPlace,
  bytes: Uint8Array,
  { version, threshold, keys }: Root,
): Promise<void> {
  const names = keys.map(({ name }) => name).join(", ");
  const message = `root of trust ${version} takes over: ${threshold} of ${names}`;
  reporter.report({ kind: "step", message });
  if (!mayWrite) return;
  const path = keptRoot(state);
  try {
    await disk.makeDirectory(dirname(path));
    await replaceFile(disk, path, bytes);
  } catch (cause) {
    throw new UpdateError("slot", {
      operation: `keeping ${path}`,
      found: reasonOf(cause),
      advice: "see that its file system is mounted and has room",
      cause,
    });
  }
}

function unusableRoot(path: string, found: string, cause?: unknown): UpdateError {
  const advice = "write version, threshold and keys there, or remove it to configure no keys";
  return new UpdateError("usage", { operation: `reading ${path}`, found, advice, cause });
}

function garbledRoot(path: string, found: string, cause?: unknown): UpdateError {
  return new UpdateError("slot", {
    operation: `reading ${path}`,
    found,
    advice: `remove it to begin again with ${INITIAL_ROOT}, if no key of that has been revoked`,
    cause,
  });
}
