/**
 * A release directory, looked at before it is published.
 *
 * @module
 */

import type { ArtifactName } from "../../mod/core/mod.ts";
import { ANNOTATION_PREFIX, CONTENT_KEYS } from "../../mod/oci/mod.ts";
import { sha256OfFile } from "../digest.ts";

/** A file of a release. */
export interface ReleaseFile {
  readonly artifact: ArtifactName;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** A release: a kernel and an initramfs, or one partition image. */
export interface ReleaseDirectory {
  /** Members of latest.json, by the names that annotations and labels have. */
  readonly annotations: Readonly<Record<string, string>>;
  /** As latest.json has it. */
  readonly architecture?: string;
  /** RFC 3339. */
  readonly date?: string;
  readonly files: readonly ReleaseFile[];
}

/** The members of latest.json that become annotations. */
const ANNOTATED = [
  "version",
  "channel",
  "architecture",
  "min_compatible_version",
  "min_allowed_version",
  "release_notes",
  "release_date",
  "expires",
] as const;

/** What a file in the directory itself may be called. */
const PLAIN_NAME = /^[\w+-][\w.+-]*$/;

/**
 * The release in `directory`, its files read once. `steppingStones` are tags or digests of releases that
 * lead to it.
 *
 * @throws {Error} where it has no latest.json, or its files are not those that latest.json names.
 */
export async function readRelease(
  directory: string,
  steppingStones: readonly string[] = [],
): Promise<ReleaseDirectory> {
  const path = `${directory}/latest.json`;
  const latest: Record<string, unknown> = JSON.parse(await Deno.readTextFile(path));
  const text = (key: string) => typeof latest[key] === "string" ? String(latest[key]) : undefined;
  if (!text("version")) throw new Error(`${path}: wanted a version, found none`);
  const isImage = text("image_url") !== undefined;
  const names: readonly ArtifactName[] = isImage ? ["image"] : ["vmlinuz", "kubesolo-os.gz"];
  const files: ReleaseFile[] = [];
  for (const artifact of names) {
    const name = isImage ? String(latest.image_url) : artifact;
    if (!PLAIN_NAME.test(name)) {
      throw new Error(`${path}: wanted the name of a file in ${directory}, found ${name}`);
    }
    files.push(await readFile(`${directory}/${name}`, artifact, latest));
  }
  const stones = steppingStones.join(",") || undefined;
  return {
    annotations: Object.fromEntries(
      [
        ...ANNOTATED.map((key) => [key, text(key)]),
        ["metadata_version", latest.metadata_version?.toString()],
        ["stepping_stones", stones],
      ].flatMap(
        ([key, value]) => value === undefined ? [] : [[`${ANNOTATION_PREFIX}${key}`, value]],
      ),
    ),
    architecture: text("architecture"),
    date: text("release_date"),
    files,
  };
}

/** Size and digest of a file, which are what latest.json says where it says something. */
async function readFile(
  path: string,
  artifact: ArtifactName,
  latest: Readonly<Record<string, unknown>>,
): Promise<ReleaseFile> {
  const { size } = await Deno.stat(path);
  const sha256 = await sha256OfFile(path);
  for (const [key, found] of Object.entries({ sha256, size })) {
    const wanted = latest[`${CONTENT_KEYS[artifact]}_${key}`] ?? found;
    if (wanted !== found) {
      throw new Error(`${path}: latest.json says ${key} ${wanted}, the file has ${found}`);
    }
  }
  return { artifact, path, size, sha256 };
}

/** What annotations and labels say of a file: its digest and its size. */
export function contentAnnotations(
  { artifact, sha256, size }: ReleaseFile,
): Record<string, string> {
  const name = `${ANNOTATION_PREFIX}${CONTENT_KEYS[artifact]}`;
  return { [`${name}.sha256`]: sha256, [`${name}.size`]: `${size}` };
}
