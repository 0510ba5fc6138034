import { type Artifact, type Disk, readSmall, replaceFile } from "../core/mod.ts";

/**
 * The beginning of an image, in bytes. It holds the superblock of ext4, squashfs and erofs, without
 * which neither GRUB nor the kernel finds a file system, so it is written last of all.
 */
export const HEAD_BYTES = 64 << 10;

/** What a disk writes whole or not at all, in bytes. */
export const SECTOR_BYTES = 512;

/** Where ext4 and erofs have their superblock, in bytes. */
const SUPERBLOCK_OFFSET = 1024;

const SQUASHFS_MAGIC = "hsqs";

const DIGEST_BYTES = 64;

/**
 * Where the sector begins that makes a file system of the rest: the one with the magic number. Written
 * alone, after everything else, it turns a slot from nothing into the release in one step.
 */
export function keySectorOf(head: Uint8Array): number {
  const magic = new TextDecoder("latin1").decode(head.subarray(0, SQUASHFS_MAGIC.length));
  return magic === SQUASHFS_MAGIC || head.length <= SUPERBLOCK_OFFSET ? 0 : SUPERBLOCK_OFFSET;
}

/**
 * Keeps the head of an image that is on its way, from one run of the agent to the next. It stays when
 * the image is written, until the next one comes: a power cut may still be ahead of the state file.
 */
export class ImageHead {
  #disk: Disk;
  #directory: string;

  /** The head lies in a file in `directory`, which is made when it is needed. */
  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /** The head of this image, where it was kept. */
  async load({ sha256 }: Artifact): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (await this.#disk.size(this.#path) !== DIGEST_BYTES + HEAD_BYTES) return undefined;
    const bytes = await readSmall(this.#disk, this.#path, DIGEST_BYTES + HEAD_BYTES);
    if (bytes?.length !== DIGEST_BYTES + HEAD_BYTES) return undefined;
    const isOfImage = new TextDecoder().decode(bytes.subarray(0, DIGEST_BYTES)) === sha256;
    return isOfImage ? bytes.slice(DIGEST_BYTES) : undefined;
  }

  /** Resolves when the head of this image is durable. */
  async keep({ sha256 }: Artifact, head: Uint8Array): Promise<void> {
    const bytes = new Uint8Array(DIGEST_BYTES + head.length);
    bytes.set(new TextEncoder().encode(sha256));
    bytes.set(head, DIGEST_BYTES);
    await this.#disk.makeDirectory(this.#directory);
    await replaceFile(this.#disk, this.#path, bytes);
  }

  get #path(): string {
    return `${this.#directory}/slot-head`;
  }
}
