/** Identifiers as bytes: UEFI specification 2.10, appendix A. */

/** The first three groups of a GUID are numbers, little-endian; the rest are bytes. */
export function packGuid(guid: string): Uint8Array {
  return swapped(Uint8Array.fromHex(guid.replaceAll("-", "")));
}

/** {@linkcode packGuid} the other way round. */
export function unpackGuid(bytes: Uint8Array): string {
  const hex = swapped(bytes.slice()).toHex();
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20]].map((ends) => hex.slice(...ends)).join("-");
}

function swapped(bytes: Uint8Array): Uint8Array {
  for (const [start, end] of [[0, 4], [4, 6], [6, 8]]) bytes.subarray(start, end).reverse();
  return bytes;
}
