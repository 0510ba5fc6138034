/**
 * References: what a registry, a repository in it, and a manifest in that are called.
 *
 * @module
 */

import { shown } from "./_shown.ts";
import { isDigest } from "./digest.ts";
import { OrasError } from "./errors.ts";

/** Most characters of registry and repository together, as Docker's registry has it. */
export const MAX_NAME_LENGTH = 255;

/** Most characters of a whole reference: name, tag, digest, and what separates them. */
export const MAX_REFERENCE_LENGTH: number = MAX_NAME_LENGTH + ":".length + 128 + "@sha256:".length +
  64;

/** Where a manifest is. */
export interface Reference {
  /** Host, and port where one was given, in lower case; IPv6 addresses in brackets. */
  readonly registry: string;
  /** Path components, separated by `/`. */
  readonly repository: string;
  /** Name of a manifest, which may come to name another. */
  readonly tag?: string;
  /** Digest of a manifest; goes before the tag where both are given. */
  readonly digest?: string;
}

// distribution specification 1.1, "Pulling manifests"
const REPOSITORY =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const REGISTRY =
  /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::([0-9]{1,5}))?$/;

/** Whether `text` can be a tag (distribution specification 1.1, "Pulling manifests"). */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether `text` can be a repository (distribution specification 1.1, "Pulling manifests"). */
export function isRepository(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && REPOSITORY.test(text);
}

/** Whether `text` can be a registry: host, and perhaps a port. */
export function isRegistry(text: string): boolean {
  const match = text.length <= MAX_NAME_LENGTH ? REGISTRY.exec(text) : null;
  if (!match) return false;
  const port = match[1];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return false;
  // numbers that are no address, and what is in brackets
  return URL.canParse(`https://${text}/`);
}

/**
 * Reads `registry/repository`, `…:tag`, `…@digest` or `…:tag@digest`.
 *
 * @throws {OrasError} `reference` where it is none of these, or one of Docker Hub's short names, which
 * leave it open whose image is meant.
 *
 * @example
 * ```ts
 * import { parseReference } from "@kubesolo/update/oras";
 * import { assertEquals } from "@std/assert";
 *
 * const { registry, repository, tag } = parseReference("localhost:5000/os/stable:1.2.0");
 * assertEquals([registry, repository, tag], ["localhost:5000", "os/stable", "1.2.0"]);
 * ```
 */
export function parseReference(text: string): Reference {
  const refuse = (found: string) =>
    new OrasError("reference", `reading the reference "${shown(text)}"`, found);
  if (text.length > MAX_REFERENCE_LENGTH) {
    throw refuse(`${text.length} characters, where at most ${MAX_REFERENCE_LENGTH} were wanted`);
  }
  const [named, ...digests] = text.split("@");
  if (digests.length > 1) throw refuse("more than one @");
  const digest = digests.at(0);
  const slash = named.indexOf("/");
  const host = slash < 0 ? "" : named.slice(0, slash).toLowerCase();
  if (!/[.:[]/.test(host) && host !== "localhost") {
    throw refuse(
      "it does not begin with the host of a registry, and short names of Docker Hub are not " +
        "completed; write it such as docker.io/library/alpine:3",
    );
  }
  if (!isRegistry(host)) throw refuse("what is before the first / is no host and port");
  const path = named.slice(slash + 1);
  const colon = path.indexOf(":");
  const repository = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (host.length + 1 + repository.length > MAX_NAME_LENGTH) {
    throw refuse(`registry and repository have more than ${MAX_NAME_LENGTH} characters`);
  }
  if (!isRepository(repository)) {
    throw refuse(
      "the repository is not lower-case letters and digits, with single separators (. _ __ -) " +
        "between them",
    );
  }
  if (tag !== undefined && !isTag(tag)) {
    throw refuse("the tag is not 1 to 128 letters, digits, dots, dashes and underscores");
  }
  if (digest !== undefined && !isDigest(digest)) {
    throw refuse("the digest is not sha256: and 64 lower-case hexadecimal digits");
  }
  return {
    registry: host,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The text that {@linkcode parseReference} reads as `reference`. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  const named = `${registry}/${repository}`;
  return `${named}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}
