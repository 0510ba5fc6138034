/**
 * A release: what a source offers, whatever the source.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** The files of a slot, by the names that GRUB loads them under. */
export type ArtifactName = "vmlinuz" | "kubesolo-os.gz" | "image";

/** One thing to fetch. */
export interface Artifact {
  /** The file in the slot, or `image` for a whole partition. */
  readonly name: ArtifactName;
  /** SHA-256 of its bytes: 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Bytes, where the source says. */
  readonly size?: number;
}

/** What is next, according to a source. Nothing in it is believed until the gates have seen it. */
export interface Release {
  /** Semantic or calendar version. */
  readonly version: string;
  /** `stable`, `beta`, …; where the source does not say, any channel will do. */
  readonly channel?: string;
  /** `x86_64` or `aarch64`, as `uname -m` says it. */
  readonly architecture?: string;
  /** The oldest version that may be updated to this one. */
  readonly minCompatibleVersion?: string;
  /** For people. */
  readonly notes?: string;
  /** For people: when it was made, RFC 3339. */
  readonly date?: string;
  /** The moment from which it is not to be taken any more, RFC 3339. */
  readonly expires?: string;
  /** Which of the metadata of its channel these are: a lower number is older. From 1. */
  readonly metadataVersion?: number;
  /** Once this release is confirmed, nothing older than this is ever taken again. */
  readonly minAllowedVersion?: string;
  /**
   * The keys that have signed what it was read from, as a {@linkcode Trust} has found; set by sources
   * alone, never read from metadata.
   */
  readonly signedBy?: readonly string[];
  /** `vmlinuz` and `kubesolo-os.gz`, or one `image`. */
  readonly artifacts: readonly Artifact[];
}

/** Most bytes that a version string may have. */
export const MAX_VERSION_LENGTH = 64;

// RFC 3339, section 5.6, with the capitals that it says should be used
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** Whether `text` is a moment as RFC 3339 writes it, in UTC or with an offset. */
export function isMoment(text: string): boolean {
  return MOMENT.test(text) && !Number.isNaN(Date.parse(text));
}

/** The earlier of two moments, where both are there. */
export function earliest(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined ? b : b === undefined || Date.parse(a) < Date.parse(b) ? a : b;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** Whether `text` is a SHA-256 in lower-case hexadecimal. */
export function isSha256(text: string): boolean {
  return SHA256.test(text);
}

/**
 * The text of a slot's `SHA256SUMS`, in the format of `sha256sum`; GRUB checks it before it boots.
 */
export function sumsOf(artifacts: readonly Artifact[]): string {
  return artifacts.map((artifact) => `${artifact.sha256}  ${artifact.name}\n`).join("");
}

/**
 * The digest that names a release on the ledger: an image's own, else that of its `SHA256SUMS`, so
 * that `sha256sum SHA256SUMS` in the slot prints the same.
 */
export function releaseDigest(release: Pick<Release, "artifacts">): string {
  const [first] = release.artifacts;
  const hex = first?.name === "image"
    ? first.sha256
    : createHash("sha256").update(sumsOf(release.artifacts)).digest("hex");
  return `sha256:${hex}`;
}

/** The first of `known` whose release has exactly this artifact, by name and digest. */
export function releaseWith<T extends { readonly release: Pick<Release, "artifacts"> }>(
  known: readonly T[],
  { name, sha256 }: Artifact,
): T | undefined {
  return known.find(({ release }) =>
    release.artifacts.some((artifact) => artifact.name === name && artifact.sha256 === sha256)
  );
}

/** The bytes that a release has in all, where the source gave every size. */
export function releaseSize(release: Pick<Release, "artifacts">): number | undefined {
  let total = 0;
  for (const { size } of release.artifacts) {
    if (size === undefined) return undefined;
    total += size;
  }
  return total;
}
