/**
 * URLs: what may be shown of them, and who they say we are.
 *
 * @module
 */

import { UpdateError } from "../core/mod.ts";

/** The URL as it may be shown: no password, and no query, which may be as secret as one. */
export function printable(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search ? "?…" : ""}`;
}

/** Whether it is http or https. */
export function isWeb(url: URL): boolean {
  return url.protocol === "http:" || url.protocol === "https:";
}

/**
 * Where `latest.json` is: the server's URL itself where it names a `.json`, else in it, as in a
 * directory. A query stays.
 *
 * @throws {UpdateError} `usage` where it is no http or https URL.
 */
export function latestUrl(server: string | URL): URL {
  const url = URL.parse(String(server));
  if (!url || !isWeb(url)) {
    throw new UpdateError("usage", {
      operation: "reading the update server's address",
      found: url ? `the scheme ${url.protocol}` : "no URL",
      advice: "write it as http://host/path or https://host/path",
    });
  }
  url.hash = "";
  if (!url.pathname.endsWith(".json")) {
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/latest.json`;
  }
  return url;
}

/** A URL without user and password, and the header that says the same. */
export interface Identified {
  readonly url: URL;
  /** Value of `Authorization`, where the URL names a user (RFC 7617). */
  readonly authorization?: string;
}

/** Takes user and password out of a URL. */
export function identify(given: URL): Identified {
  const url = new URL(given);
  const { username, password } = url;
  if (!username && !password) return { url };
  url.username = "";
  url.password = "";
  const pair = new TextEncoder().encode(`${decoded(username)}:${decoded(password)}`);
  return { url, authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
}

/** Whether what was told to the server at `known` may be told to the one at `url`. */
export function maySpeakFreely(known: URL, url: URL): boolean {
  const upgraded = known.protocol === "http:" && url.protocol === "https:" &&
    known.hostname === url.hostname;
  return known.origin === url.origin || upgraded;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
