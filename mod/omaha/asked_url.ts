/**
 * The host that a client says it has asked.
 *
 * @module
 */

/** A name or an address, and perhaps a port: nothing that could break out of an address made of it. */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** The request's URL; undefined where it has none, or a `Host` that may not stand in a codebase. */
export function askedUrl({ url, headers }: Request): URL | undefined {
  const host = headers.get("host");
  return host !== null && !HOST.test(host) ? undefined : URL.parse(url) ?? undefined;
}
