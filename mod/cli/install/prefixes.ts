/**
 * Where the executable may be: deno.json grants these places and no others.
 *
 * @module
 */

/** Where an executable may be put: below these. The first one is where it goes to a new node. */
export const PREFIXES = ["/usr/local", "/usr"] as const;

/** The executable below a prefix. */
export function executableBelow(prefix: string): string {
  return `${prefix}/bin/kubesolo-update`;
}
