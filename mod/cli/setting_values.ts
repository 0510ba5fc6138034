/**
 * What settings may be. Each reader takes a text and gives what it means; it throws an UpdateError
 * `usage` with what was found and what to write instead.
 *
 * @module
 */

import { UpdateError } from "../core/mod.ts";

/** Most characters of a value. */
const MAX_VALUE_LENGTH = 4096;

/** The health checks that need containerd or the API server. */
export const CLUSTER_CHECKS = ["containerd", "api-server", "node-ready", "kube-system"] as const;

/** One of {@linkcode CLUSTER_CHECKS}. */
export type ClusterCheck = typeof CLUSTER_CHECKS[number];

/**
 * A value as it may be shown: without the user, the password and the query that an address may have.
 * Where a password ends is anybody's guess, so nothing before the last `@` is shown.
 */
export function printable(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@(?!sha256:)/is, "$1…@").replace(/\?.*/s, "?…");
}

function refuse(text: string, advice: string): never {
  throw new UpdateError("usage", {
    operation: "reading a setting",
    found: text.length > MAX_VALUE_LENGTH
      ? `${text.length} characters, where at most ${MAX_VALUE_LENGTH} are read`
      : `"${printable(text)}"`,
    advice,
  });
}

/** Text on one line that drives no terminal. */
export function readLine(text: string): string {
  // deno-lint-ignore no-control-regex
  const plain = text.length <= MAX_VALUE_LENGTH && !/[\x00-\x1f\x7f-\x9f]/.test(text);
  return plain ? text : refuse(text, "write it on one line, without control characters");
}

/** A URL, or the name of a repository. */
export function readServer(text: string): URL | string {
  return text.includes("://") ? readWebUrl(text) : readRepository(text);
}

/** A repository's name, as far as can be said without the registry client: that one reads it again. */
export function readRepository(text: string): string {
  const good = /^[^\s/@]+\/[^\s/@][^\s@]*(@sha256:[^\s@]+)?$/.test(readLine(text)) &&
    !text.includes("://");
  return good ? text : refuse(
    text,
    "write it as http://host/path or https://host/path, or as host/repository of a registry",
  );
}

/** An http or https URL. */
export function readWebUrl(text: string): URL {
  const url = URL.parse(readLine(text));
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  return refuse(text, "write it as http://host/path or https://host/path");
}

/** Distribution specification 1.1, "Pulling manifests". */
export function readTag(text: string): string {
  if (/^\w[\w.-]{0,127}$/.test(text)) return text;
  return refuse(text, "write it as 1 to 128 letters, digits, dots, dashes and underscores");
}

/** One word. */
export function readChannel(text: string): string {
  if (/^[\w.+/-]{1,128}$/.test(text)) return text;
  return refuse(text, "write it as one word, such as stable");
}

/** An application at an Omaha server: its UUID, or its name. */
export function readAppId(text: string): string {
  if (/^[\w.+:/{}-]{1,128}$/.test(text)) return text;
  return refuse(text, "write it as the server has it, a UUID or a name without spaces");
}

/** A whole number, `least` to `most`. */
export function readWhole(text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  return refuse(text, `write it as a whole number, ${least} to ${most}`);
}

/** Some of {@linkcode CLUSTER_CHECKS}, or none. */
export function readChecks(text: string): readonly ClusterCheck[] {
  const names = text === "none" ? [] : text.split(",").map((name) => name.trim());
  const chosen = CLUSTER_CHECKS.filter((name) => names.includes(name));
  if (chosen.length === names.length) return chosen;
  return refuse(text, `write none, or some of ${CLUSTER_CHECKS.join(",")}`);
}

/** A DNS subdomain (RFC 1123), which is what nodes are called by. */
export function readNodeName(text: string): string {
  if (text.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)) return text;
  return refuse(text, "write it as the API server does: small letters, digits, dashes and dots");
}
