/**
 * `latest.json`: what an update server says.
 *
 * @module
 */

import {
  type Artifact,
  type ArtifactName,
  earliest,
  isMoment,
  isSha256,
  isVersion,
  MAX_STEPPING_STONES,
  MAX_VERSION_LENGTH,
  type Release,
  unameOf,
} from "../core/mod.ts";
import { isWeb, printable } from "./_address.ts";
import { describe, Fields } from "./_fields.ts";
import { MAX_NOTES_LENGTH, MAX_URL_LENGTH } from "./limits.ts";

/** A release, and where its artifacts are. */
export interface Latest {
  /** What the gates are asked about. */
  readonly release: Release;
  /** For each of its artifacts, an http or https URL. */
  readonly urls: ReadonlyMap<ArtifactName, URL>;
}

/** The names that artifacts have in `latest.json`, in the order in which they are written. */
const PAIR = [["vmlinuz", "vmlinuz"], ["initramfs", "kubesolo-os.gz"]] as const;
const IMAGE = [["image", "image"]] as const;

/**
 * Reads a `latest.json` that came from `url`: relative URLs in it start there. Unknown members are
 * ignored; an optional one that is null or empty counts as absent.
 *
 * @throws {UpdateError} `verification`, naming the member, what was wanted and what was found.
 *
 * @example
 * ```ts
 * import { parseLatest } from "@kubesolo/update/http";
 * import { assertEquals } from "@std/assert";
 *
 * const text = JSON.stringify({
 *   version: "1.2.0",
 *   image_url: "1.2.0/root.img",
 *   image_sha256: "0".repeat(64),
 * });
 * const { urls } = parseLatest(new TextEncoder().encode(text), new URL("http://host/os/latest.json"));
 * assertEquals(urls.get("image")?.href, "http://host/os/1.2.0/root.img");
 * ```
 */
export function parseLatest(json: Uint8Array, url: URL): Latest {
  return latestOf(Fields.parse(json, printable(url)), url);
}

/**
 * Reads the `stepping_stones` of the same document: a list of objects with the same members, for older
 * releases that lead to the newest. The document's metadata version is theirs, and they expire with it.
 *
 * @throws {UpdateError} `verification` where one of them is no release, or there are more than
 * {@linkcode MAX_STEPPING_STONES}.
 */
export function parseSteppingStones(
  { bytes, url }: { readonly bytes: Uint8Array; readonly url: URL },
): readonly Latest[] {
  const fields = Fields.parse(bytes, printable(url));
  const expires = momentOf(fields, "expires");
  const metadataVersion = fields.size("metadata_version", "");
  return fields.objects("stepping_stones", MAX_STEPPING_STONES).map((stone) => {
    const { release, urls } = latestOf(stone, url);
    return {
      release: { ...release, metadataVersion, expires: earliest(release.expires, expires) },
      urls,
    };
  });
}

function latestOf(fields: Fields, url: URL): Latest {
  const urls = new Map<ArtifactName, URL>();
  const artifacts: Artifact[] = [];
  for (const [prefix, name] of kindOf(fields)) {
    urls.set(name, urlOf(fields, `${prefix}_url`, url));
    const sha256 = sha256Of(fields, `${prefix}_sha256`);
    const size = fields.size(`${prefix}_size`);
    artifacts.push({ name, sha256, ...(size === undefined ? {} : { size }) });
  }
  const architecture = fields.text("architecture");
  const release: Release = {
    version: versionOf(fields, "version") ?? missing(fields, "version", "a version"),
    channel: fields.text("channel"),
    architecture: architecture && unameOf(architecture),
    minCompatibleVersion: versionOf(fields, "min_compatible_version"),
    minAllowedVersion: versionOf(fields, "min_allowed_version"),
    notes: fields.prose("release_notes", MAX_NOTES_LENGTH),
    date: fields.text("release_date"),
    expires: momentOf(fields, "expires"),
    metadataVersion: fields.size("metadata_version", ""),
    artifacts,
  };
  return { release, urls };
}

/** Kernel and initramfs, or an image; never both, since only one of them would be verified. */
function kindOf(fields: Fields): typeof PAIR | typeof IMAGE {
  const given = (prefix: string) => fields.has(`${prefix}_url`) || fields.has(`${prefix}_sha256`);
  if (!given("image")) return PAIR;
  const pair = PAIR.map(([prefix]) => prefix).find(given);
  if (pair) throw fields.refuse(`both image_* and ${pair}_* are given, where one was wanted`);
  return IMAGE;
}

function versionOf(fields: Fields, name: string): string | undefined {
  const wanted = `a version such as 1.2.3, of at most ${MAX_VERSION_LENGTH} characters,`;
  const text = fields.text(name, wanted);
  if (text !== undefined && !isVersion(text)) throw fields.wrong(name, wanted, describe(text));
  return text;
}

function momentOf(fields: Fields, name: string): string | undefined {
  const wanted = "a time such as 2027-01-31T00:00:00Z";
  const text = fields.text(name, wanted);
  if (text !== undefined && !isMoment(text)) throw fields.wrong(name, wanted, describe(text));
  return text;
}

function sha256Of(fields: Fields, name: string): string {
  const wanted = "a SHA-256 of 64 hexadecimal digits";
  const text = fields.text(name, wanted) ?? missing(fields, name, wanted);
  const digits = text.toLowerCase().replace(/^sha256:/, "");
  if (!isSha256(digits)) throw fields.wrong(name, wanted, describe(text));
  return digits;
}

function urlOf(fields: Fields, name: string, base: URL): URL {
  const wanted = "an http or https URL";
  const text = fields.text(name, wanted, MAX_URL_LENGTH) ?? missing(fields, name, wanted);
  const url = URL.parse(text, base);
  // a password may be in it: only the scheme is shown
  if (!url) throw fields.wrong(name, wanted, "text that is none");
  if (!isWeb(url)) throw fields.wrong(name, wanted, `a ${url.protocol} URL`);
  url.hash = "";
  return url;
}

function missing(fields: Fields, name: string, wanted: string): never {
  throw fields.wrong(name, wanted, "nothing");
}
