/**
 * What machines are called.
 *
 * @module
 */

/** Architectures in Go's words, and as `uname -m` says them. A map: names come from outside. */
export const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ["amd64", "x86_64"],
  ["arm64", "aarch64"],
]);

/** The architecture as `uname -m` says it; a name that is none of Go's stays as it is. */
export function unameOf(architecture: string): string {
  return ARCHITECTURES.get(architecture) ?? architecture;
}
