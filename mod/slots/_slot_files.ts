/** The files of a slot: what is there, and whether it is what it should be. */

import {
  type Artifact,
  type ArtifactName,
  type Disk,
  isSha256,
  MAX_FLOOR_BYTES,
  MAX_VERSION_LENGTH,
  parseFloor,
  readSmall,
  type Reporter,
  type SlotContents,
  type SlotFloor,
  sumsOf,
  UpdateError,
  withFile,
} from "../core/mod.ts";
import { hashFile, verifyProgress } from "./_read_through.ts";

/** Text of the release's version. */
export const VERSION_FILE = "version";

/** What nothing may be older than, as it was when the release was written. */
export const FLOOR_FILE = "floor";

/** Digests in the format of sha256sum(1); GRUB checks them before it boots. */
export const SUMS_FILE = "SHA256SUMS";

/** The files that GRUB loads. */
export const BOOT_FILES: readonly ArtifactName[] = ["vmlinuz", "kubesolo-os.gz"];

/** A `SHA256SUMS` longer than this many bytes is none. */
const MAX_SUMS_BYTES = 4096;

/** What the slot that is mounted at `directory` holds; no file is hashed. */
export async function describeFiles(disk: Disk, directory: string): Promise<SlotContents> {
  const version = await readVersion(disk, `${directory}/${VERSION_FILE}`);
  const floor = await readFloor(disk, `${directory}/${FLOOR_FILE}`);
  const missing: string[] = [];
  for (const name of [...BOOT_FILES, SUMS_FILE]) {
    if (!await disk.size(`${directory}/${name}`)) missing.push(name);
  }
  return {
    ...(version === undefined ? {} : { version }),
    ...(floor === undefined ? {} : { floor }),
    ...(missing.length > 0 ? { problem: `${missing.join(", ")} missing or empty` } : {}),
  };
}

/** Resolves when the files at `directory` are `artifacts`, every byte of them. */
export async function verifyFiles(
  disk: Disk,
  directory: string,
  artifacts: readonly Artifact[],
  reporter: Reporter,
  where: string,
): Promise<void> {
  for (const { name, sha256 } of artifacts) {
    const path = `${directory}/${name}`;
    const size = await disk.size(path);
    if (size === undefined) throw different(where, `${name} is missing`);
    const progress = verifyProgress(reporter, name, size);
    const digest = await withFile(disk, path, "read", (file) => hashFile(file, progress));
    if (digest !== sha256) {
      throw different(where, `${name} reads back as SHA-256 ${digest}, not as ${sha256}`);
    }
  }
}

/** Resolves when `SHA256SUMS` at `directory` says what `artifacts` say. */
export async function verifySums(
  disk: Disk,
  directory: string,
  artifacts: readonly Artifact[],
  where: string,
): Promise<void> {
  if (await readSums(disk, directory) !== sumsOf(artifacts)) {
    throw different(where, `${SUMS_FILE} is not that of the release`);
  }
}

/**
 * What the slot's own `SHA256SUMS` promises. Names in it are only ever those that GRUB loads.
 *
 * @throws {UpdateError} `verification` where it is missing, too long, or says anything else.
 */
export async function promisedFiles(
  disk: Disk,
  directory: string,
  where: string,
): Promise<readonly Artifact[]> {
  const lines = (await readSums(disk, directory))?.trimEnd().split("\n") ?? [];
  const artifacts = lines.flatMap((line): Artifact[] => {
    const [, sha256 = "", text] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    const name = BOOT_FILES.find((file) => file === text);
    return name && isSha256(sha256) ? [{ name, sha256 }] : [];
  });
  const complete = BOOT_FILES.every((name) =>
    artifacts.filter((artifact) => artifact.name === name).length === 1
  );
  if (!complete || lines.length !== BOOT_FILES.length) {
    throw different(where, `no ${SUMS_FILE} with one line each for ${BOOT_FILES.join(" and ")}`);
  }
  return artifacts;
}

/** Those of `artifacts` that the slot promises to hold, in the right size; no file is hashed. */
export async function keptFiles(
  disk: Disk,
  directory: string,
  artifacts: readonly Artifact[],
): Promise<readonly ArtifactName[]> {
  const lines = (await readSums(disk, directory))?.split("\n") ?? [];
  const kept: ArtifactName[] = [];
  for (const artifact of artifacts) {
    const size = await disk.size(`${directory}/${artifact.name}`);
    const promised = lines.includes(sumsOf([artifact]).trimEnd());
    if (promised && size !== undefined && size === artifact.size) kept.push(artifact.name);
  }
  return kept;
}

/** The error for a slot that is not what it should be. */
export function different(where: string, found: string): UpdateError {
  return new UpdateError("verification", {
    operation: `reading back ${where}`,
    found,
    advice: "GRUB will not boot it; run apply again, and replace the disk if it happens again",
  });
}

async function readSums(disk: Disk, directory: string): Promise<string | undefined> {
  const path = `${directory}/${SUMS_FILE}`;
  if (await disk.size(path) === undefined) return undefined;
  const bytes = await readSmall(disk, path, MAX_SUMS_BYTES);
  return bytes ? new TextDecoder().decode(bytes) : undefined;
}

async function readVersion(disk: Disk, path: string): Promise<string | undefined> {
  if (await disk.size(path) === undefined) return undefined;
  const bytes = await readSmall(disk, path, MAX_VERSION_LENGTH + 1);
  const text = bytes ? new TextDecoder().decode(bytes).trim() : "";
  // it is shown on terminals and in metrics
  return /^[\x21-\x7e]+$/.test(text) ? text : undefined;
}

/** What cannot be read counts for nothing: who may write to a slot could as well remove it. */
async function readFloor(disk: Disk, path: string): Promise<SlotFloor | undefined> {
  if (await disk.size(path) === undefined) return undefined;
  const bytes = await readSmall(disk, path, MAX_FLOOR_BYTES);
  try {
    return bytes ? parseFloor(new TextDecoder().decode(bytes)) : undefined;
  } catch {
    return undefined;
  }
}
