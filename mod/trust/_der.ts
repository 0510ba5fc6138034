/** The little of DER that a private key needs: X.690, sections 8 and 10. */

/** SEQUENCE. */
export function sequence(...members: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return tagged(0x30, members.flatMap((member) => [...member]));
}

/** OCTET STRING. */
export function octets(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return tagged(0x04, [...bytes]);
}

/** INTEGER, of a positive number. */
export function integer(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return tagged(0x02, bytes[0] < 0x80 ? bytes : [0, ...bytes]);
}

/** OBJECT IDENTIFIER, by its encoding. */
export function objectId(hex: string): Uint8Array<ArrayBuffer> {
  return tagged(0x06, [...Uint8Array.fromHex(hex)]);
}

function tagged(tag: number, content: readonly number[]): Uint8Array<ArrayBuffer> {
  const { length } = content;
  if (length > 0xffff) throw new RangeError(`${length} bytes`);
  const head = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...head, ...content]);
}
