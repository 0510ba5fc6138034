/** What the first bytes of a partition say about its file system. */

/** Bytes from the start of a partition that {@linkcode recognize} looks at. */
export const SUPERBLOCK_BYTES = 4096;

/** File systems that a system partition may have, by the names that mount(8) has for them. */
export type FileSystemType = "ext4" | "vfat" | "squashfs" | "erofs";

/** A file system, as far as its superblock tells. */
export interface FileSystem {
  readonly type: FileSystemType;
  /** Its label, where it has one. */
  readonly label?: string;
  /** ext4: the kernel found damage and recorded it. */
  readonly damaged?: boolean;
  /** ext4: files were being removed when it was cut off; mounting it, even read-only, writes. */
  readonly orphans?: boolean;
}

/** The file system that begins with `bytes`; undefined where none of the four does. */
export function recognize(bytes: Uint8Array): FileSystem | undefined {
  if (bytes.length < SUPERBLOCK_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ext4(bytes, view) ?? erofs(bytes, view) ?? squashfs(view) ?? fat(bytes, view);
}

/** Offsets: "ext4 Data Structures and Algorithms", section Super Block. ext2 and ext3 are read too. */
function ext4(bytes: Uint8Array, view: DataView): FileSystem | undefined {
  const start = 1024;
  if (view.getUint16(start + 0x38, true) !== 0xef53) return undefined;
  const ERROR_FS = 0x2;
  const ORPHAN_PRESENT = 0x10000;
  return {
    type: "ext4",
    label: text(bytes, start + 0x78, 16),
    damaged: (view.getUint16(start + 0x3a, true) & ERROR_FS) !== 0,
    orphans: view.getUint32(start + 0xe8, true) !== 0 ||
      (view.getUint32(start + 0x64, true) & ORPHAN_PRESENT) !== 0,
  };
}

/** Offsets: struct erofs_super_block, EROFS on-disk format. */
function erofs(bytes: Uint8Array, view: DataView): FileSystem | undefined {
  if (view.getUint32(1024, true) !== 0xe0f5e1e2) return undefined;
  return { type: "erofs", label: text(bytes, 1024 + 64, 16) };
}

/** Magic number: SquashFS binary format, version 4.0. It has no label. */
function squashfs(view: DataView): FileSystem | undefined {
  return view.getUint32(0, true) === 0x73717368 ? { type: "squashfs" } : undefined;
}

/** Offsets: Microsoft FAT specification 1.03, section 3; the label is the boot sector's. */
function fat(bytes: Uint8Array, view: DataView): FileSystem | undefined {
  if (view.getUint16(510, true) !== 0xaa55) return undefined;
  const long = ascii(bytes, 82, 8).startsWith("FAT32");
  if (!long && !/^FAT(12|16)? /.test(ascii(bytes, 54, 8))) return undefined;
  const label = text(bytes, long ? 71 : 43, 11);
  return { type: "vfat", label: label === "NO NAME" ? undefined : label };
}

function text(bytes: Uint8Array, offset: number, length: number): string | undefined {
  const [upToZero] = ascii(bytes, offset, length).split("\0");
  return upToZero.trimEnd() || undefined;
}

function ascii(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}
