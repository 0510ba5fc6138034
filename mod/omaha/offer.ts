/**
 * What an answer offers, as releases.
 *
 * @module
 */

import {
  type Artifact,
  type ArtifactName,
  compareVersions,
  isVersion,
  MAX_STEPPING_STONES,
  oneLine,
  reasonOf,
  type Release,
  shortened,
} from "../core/mod.ts";
import { nameFault, readCodebase } from "./_codebase.ts";
import { ERROR_CODE } from "./codes.ts";
import { MAX_CODEBASES } from "./limits.ts";
import { OmahaError } from "./omaha_error.ts";
import { INITRAMFS_PACKAGE, KERNEL_PACKAGE, STATEMENT_NAME } from "./release_terms.ts";
import type { OmahaManifest, OmahaPackage, OmahaUpdateCheckResponse } from "./response_types.ts";

/** One artifact of a release, as a package. */
export interface OfferedPackage extends Artifact {
  /** Bytes; never 0. */
  readonly size: number;
  /** The package's name, to be joined to each codebase. */
  readonly path: string;
  /** SHA-1 of its bytes in lower-case hexadecimal. */
  readonly sha1: string;
}

/** One manifest. */
export interface OfferedRelease {
  /** The release; its `minCompatibleVersion` is the floor before it. */
  readonly release: Release;
  /** Its artifacts. */
  readonly packages: readonly OfferedPackage[];
  /** Failed connections until the next codebase is tried, where the server says. */
  readonly maxFailures?: number;
  /** When the server wants it to be installed, where it says: `now`, or a time. */
  readonly deadline?: string;
  /** After it could not be fetched it is not to be tried again at once. */
  readonly backsOff: boolean;
}

/** All of an answer. */
export interface Offer {
  /** Codebases, in the order in which they are tried; one at least. */
  readonly codebases: readonly URL[];
  /** The release that all leads to. */
  readonly target: OfferedRelease;
  /** Those on the way, oldest first. */
  readonly floors: readonly OfferedRelease[];
}

/** Most characters of what a server has written that a message shows. */
const MAX_SHOWN = 80;

/**
 * What an update check offers, of the server at `server`.
 *
 * @throws {OmahaError} `verification` where it is no release that a node could take.
 */
export function readOffer(check: OmahaUpdateCheckResponse, server: URL): Offer {
  const { manifests } = check;
  if (manifests.length === 0) throw refuse("an update without a manifest");
  if (manifests.length > MAX_STEPPING_STONES + 1) {
    throw refuse(
      `${manifests.length} manifests, where ${MAX_STEPPING_STONES + 1} are read at most`,
    );
  }
  const codebases = readCodebases(check.urls, server);
  const read = manifests.map((manifest) => ({ manifest, offered: readManifest(manifest) }))
    .sort((a, b) => compareVersions(a.offered.release.version, b.offered.release.version));
  const { offered: target } = read.find(({ manifest }) => manifest.is_target) ??
    read[read.length - 1];
  const before = read.map(({ offered }) => offered).filter(({ release }) =>
    compareVersions(release.version, target.release.version) < 0
  );
  const steps = [...before, target].map((offered, at, all) => {
    const minCompatibleVersion = all[at - 1]?.release.version;
    return { ...offered, release: { ...offered.release, minCompatibleVersion } };
  });
  return { codebases, target: steps[steps.length - 1], floors: steps.slice(0, -1) };
}

function readCodebases(texts: readonly string[], server: URL): readonly URL[] {
  const faults: string[] = [];
  const codebases = texts.slice(0, MAX_CODEBASES).flatMap((text) => {
    try {
      return [readCodebase(text, server)];
    } catch (error) {
      faults.push(reasonOf(error));
      return [];
    }
  });
  if (codebases.length > 0) return codebases;
  throw refuse(faults.at(0) ?? "no codebase");
}

function readManifest({ version = "", packages, actions }: OmahaManifest): OfferedRelease {
  if (!isVersion(version)) throw refuse(`the version ${shown(version)}`);
  const of = (found: string) => refuse(`${version}: ${found}`);
  const action = actions.find(({ event }) => event === "postinstall") ?? actions[0];
  if (action?.IsDeltaPayload) throw of("a difference to another version");
  const bySha1Alone = (one: OmahaPackage) => !one.hash_sha256;
  const chosen = choosePackages(packages, of);
  const main = chosen.find(([, one]) => bySha1Alone(one)) ?? chosen[0];
  const ofAction = action?.sha256 ? digest(action.sha256, 32, of, "action") : undefined;
  const read = chosen.map(([name, one]) =>
    readPackage(name, one, one === main[1] ? ofAction : undefined, of)
  );
  // with every package's own digest known, the action's has to be one of them
  if (ofAction && !read.some(({ sha256 }) => sha256 === ofAction)) {
    throw of("a SHA-256 in its action that is none of its packages'");
  }
  return {
    release: { version, artifacts: read.map(({ name, sha256, size }) => ({ name, sha256, size })) },
    packages: read,
    maxFailures: action?.MaxFailureCountPerUrl,
    deadline: action?.deadline ? shown(action.deadline) : undefined,
    backsOff: !action?.DisablePayloadBackoff && !action?.deadline,
  };
}

/** Kernel and initramfs, or an image: which package is which. */
function choosePackages(
  packages: readonly OmahaPackage[],
  of: (found: string) => Error,
): readonly (readonly [ArtifactName, OmahaPackage])[] {
  for (const { name = "" } of packages) {
    const fault = name === "" ? "a package without a name" : nameFault(name);
    if (fault) throw of(fault);
  }
  const called = (wanted: string) => packages.find(({ name }) => baseOf(name) === wanted);
  const [kernel, initramfs] = [called(KERNEL_PACKAGE), called(INITRAMFS_PACKAGE)];
  if (kernel && initramfs) return [[KERNEL_PACKAGE, kernel], [INITRAMFS_PACKAGE, initramfs]];
  if (kernel || initramfs) {
    throw of(`${kernel ? KERNEL_PACKAGE : INITRAMFS_PACKAGE} alone, where both are needed`);
  }
  const rest = packages.filter(({ name }) => !baseOf(name).startsWith(STATEMENT_NAME));
  if (rest.length === 1) return [["image", rest[0]]];
  throw of(
    `${rest.length} packages, where ${KERNEL_PACKAGE} and ${INITRAMFS_PACKAGE}, ` +
      "or one image were wanted",
  );
}

function readPackage(
  name: ArtifactName,
  { name: path = "", hash, hash_sha256, size = 0 }: OmahaPackage,
  ofAction: string | undefined,
  refuseIt: (found: string) => Error,
): OfferedPackage {
  const of = (found: string) => refuseIt(`package ${path}: ${found}`);
  if (!Number.isSafeInteger(size) || size <= 0) throw of(`a size of ${size} bytes`);
  if (!hash) throw of("no SHA-1");
  const sha1 = digest(hash, 20, of);
  const sha256 = hash_sha256 ? digest(hash_sha256, 32, of) : ofAction;
  if (!sha256) {
    throw of(
      "a SHA-1 and no SHA-256, neither its own (hash_sha256) nor in the postinstall action (sha256)",
    );
  }
  return { name, path, size, sha1, sha256 };
}

/** A digest of so many bytes, from base64 to hexadecimal. */
function digest(
  base64: string,
  bytes: number,
  of: (found: string) => Error,
  where = "digest",
): string {
  try {
    const read = Uint8Array.fromBase64(base64.trim());
    if (read.length === bytes) return read.toHex();
  } catch {
    // it is none
  }
  throw of(`${where} ${shown(base64)}, which is no base64 of ${bytes} bytes`);
}

function baseOf(name = ""): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function shown(text: string): string {
  return JSON.stringify(shortened(oneLine(text), MAX_SHOWN));
}

function refuse(found: string): OmahaError {
  return new OmahaError(ERROR_CODE.omahaResponseInvalid, "verification", {
    operation: "reading what the Omaha server offers",
    found,
    advice: "see what is published there, package by package",
  });
}
