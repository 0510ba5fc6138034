/**
 * Executables of the agent: what they are, and their way into place.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { compareVersions, type DiskFile, isVersion, UpdateError } from "../../core/mod.ts";
import { DenoDisk, placeFile } from "../../host/mod.ts";
import { executableBelow, PREFIXES } from "./prefixes.ts";

/** Permissions of an executable. */
const MODE = 0o755;

const PIECE_BYTES = 4 << 20;

/** What an executable is. */
export interface Build {
  /** Its bytes. */
  readonly sha256: string;
  /** Its version; undefined where it is no agent. */
  readonly version?: string;
}

/** Where the agent belongs on this node: where one is, else below the first of {@linkcode PREFIXES}. */
export async function choosePrefix(): Promise<string> {
  for (const prefix of PREFIXES) {
    if (await describeFile(executableBelow(prefix))) return prefix;
  }
  return PREFIXES[0];
}

/**
 * Whether the agent may go below `prefix`.
 *
 * @throws {UpdateError} `refused` where another agent is below another prefix.
 */
export async function refuseSecond(prefix: string, force: boolean): Promise<void> {
  if (force) return;
  for (const other of PREFIXES.filter((one) => one !== prefix)) {
    const path = executableBelow(other);
    const found = await describeBuild(path);
    if (!found?.version) continue;
    throw new UpdateError("refused", {
      operation: `installing ${executableBelow(prefix)}`,
      found: `${path} is here already, ${found.version}`,
      advice: "nothing was touched; leave out --prefix, or run `install --uninstall` first",
    });
  }
}

/** What the executable at `path` is; undefined where there is none. */
export async function describeBuild(path: string): Promise<Build | undefined> {
  const file = await describeFile(path);
  return file && (file.isFile ? await copy(path) : { sha256: "" });
}

/** What lies at `path`, itself and not where it leads; undefined where nothing does. */
export async function describeFile(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What something is that is no agent. */
export function describeForeign({ sha256 }: Build): string {
  return sha256 ? "it is no executable of the agent" : "it is a link, or no file";
}

/**
 * Whether an executable may take the place of what was found.
 *
 * @throws {UpdateError} `refused` where it is older, or that is no agent.
 */
export function refuseOther(path: string, found: Build, own: Build, force: boolean): void {
  if (force || !own.version) return;
  if (!found.version) {
    throw new UpdateError("refused", {
      operation: `replacing ${path}`,
      found: describeForeign(found),
      advice: "nothing was touched; see what it is for; --force replaces it",
    });
  }
  if (compareVersions(own.version, found.version) >= 0) return;
  throw new UpdateError("refused", {
    operation: `replacing ${path}`,
    found: `${found.version} is installed, and this is ${own.version}`,
    advice: "nothing was touched; add --force to go back to the older one",
  });
}

/**
 * Resolves when the executable at `from` is durably at `to`, in one step.
 *
 * @throws {UpdateError} `slot` where it cannot be written, or did not come out as `build`.
 */
export async function placeExecutable(from: string, to: string, build: Build): Promise<void> {
  await placeFile(to, MODE, async (file) => {
    const { sha256 } = await copy(from, file);
    if (sha256 === build.sha256) return;
    throw new UpdateError("slot", {
      operation: `copying ${from} to ${to}`,
      found: "it changed meanwhile",
      advice: "run it again once nobody replaces it any more",
    });
  });
}

/** Reads an executable, and writes it `into` a file, where one is given. */
async function copy(from: string, into?: DiskFile): Promise<Build> {
  const source = await new DenoDisk().open(from, "read");
  try {
    const hash = createHash("sha256");
    const piece = new Uint8Array(PIECE_BYTES);
    const search = new VersionSearch();
    for (let read = source.read(piece); read; read = source.read(piece)) {
      const bytes = piece.subarray(0, read);
      hash.update(bytes);
      into?.write(bytes);
      search.see(bytes);
    }
    return { sha256: hash.digest("hex"), version: search.version };
  } finally {
    source.close();
  }
}

/** In the deno.json that `deno compile` embeds; here in two, since this file is embedded as well. */
const LANDMARK = '"name": ' + '"@kubesolo/update"';
/** The version is in the line after it. */
const VERSION_WITHIN_BYTES = 256;

/** Looks for the version of an agent in its bytes, without running it. */
class VersionSearch {
  version?: string;
  #rest = Buffer.alloc(0);

  see(bytes: Uint8Array): void {
    if (this.version !== undefined) return;
    const seen = Buffer.concat([this.#rest, bytes]);
    const at = seen.indexOf(LANDMARK);
    if (at >= 0) {
      const text = seen.toString("latin1", at, at + VERSION_WITHIN_BYTES);
      const found = /^[^\n]*\n\s*"version": "([^"\n]*)"/.exec(text)?.[1];
      if (found !== undefined && isVersion(found)) this.version = found;
    }
    this.#rest = Buffer.from(seen.subarray(-VERSION_WITHIN_BYTES));
  }
}
