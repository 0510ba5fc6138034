/**
 * The little of ELF that tasks read: 64-bit, little-endian.
 *
 * @module
 */

/** Architectures that the agent is built for, by the names of `uname -m`. */
export type Architecture = "x86_64" | "aarch64";

/** What Debian calls them. */
export const DEBIAN_NAMES: Readonly<Record<Architecture, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
};

/** Both of them. */
export const ARCHITECTURES: readonly Architecture[] = ["x86_64", "aarch64"];

const HEADER_BYTES = 64;

/** ELF's magic, then 64 bits, then the least significant byte first. */
const MAGIC = [0x7f, 0x45, 0x4c, 0x46, 2, 1];

/** ELF's numbers of machines. */
const MACHINES: Readonly<Record<number, Architecture>> = { 62: "x86_64", 183: "aarch64" };

/** What the header of an ELF file says. */
export interface ElfHeader {
  /** Undefined: neither of {@linkcode ARCHITECTURES}. */
  readonly architecture?: Architecture;
  /** Bytes from the start of the file to the end of its section header table. */
  readonly end: number;
}

/**
 * Reads the header of the file `path`.
 *
 * @throws {Error} where it is not a 64-bit little-endian ELF file.
 */
export async function readElfHeader(path: string): Promise<ElfHeader> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(HEADER_BYTES);
  const length = await file.read(bytes) ?? 0;
  const view = length < HEADER_BYTES ? undefined : elfView(bytes);
  if (!view) throw new Error(`${path}: wanted a 64-bit ELF program, found something else`);
  return {
    architecture: MACHINES[view.getUint16(18, true)],
    end: Number(view.getBigUint64(40, true)) +
      view.getUint16(58, true) * view.getUint16(60, true),
  };
}

/** Of the program or library with these bytes; undefined where it is none, or of another architecture. */
export function elfArchitecture(bytes: Uint8Array): Architecture | undefined {
  const view = elfView(bytes);
  return view && MACHINES[view.getUint16(18, true)];
}

function elfView(bytes: Uint8Array): DataView | undefined {
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) return;
  return new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
}
