/**
 * A small image of a node's disk, and media to write it to that can be made to lie.
 *
 * @module
 */

import type { DiskFile } from "../../mod/core/mod.ts";
import { type Medium, packTable, RECORD_AT, SECTOR } from "../../mod/provision/mod.ts";

const MIB = 1 << 20;
const LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4";

/** Where the partitions of {@linkcode smallDisk} begin and end, in MiB. */
const PARTITIONS = { KSOLOEFI: [1, 2], KSOLOA: [2, 3], KSOLOB: [3, 4], KSOLODATA: [4, 6] } as const;

/** 7 MiB with a node's partitions, full of bytes that come nowhere twice; boot code in the first sector. */
export function smallDisk(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(7 * MIB);
  const words = new Uint32Array(bytes.buffer);
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(at + 1, 2654435761);
  const partitions = Object.entries(PARTITIONS).map(([name, [from, to]], index) => ({
    number: index + 1,
    type: LINUX,
    guid: crypto.randomUUID(),
    first: from * MIB / SECTOR,
    last: to * MIB / SECTOR - 1,
    attributes: 0n,
    name,
  }));
  const table = packTable({ guid: crypto.randomUUID(), partitions }, bytes.length / SECTOR);
  bytes.set(table.record, RECORD_AT);
  bytes.set(table.first, SECTOR);
  bytes.set(table.second, bytes.length - table.second.length);
  return bytes;
}

/** A medium in memory; `capacity` is what it really has, and everything is written there modulo that. */
export class MemoryMedium implements Medium {
  readonly name = "/dev/sdb";
  readonly blank = false;
  readonly size: number;
  /** What is on it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Called before each write and each sync: throws where the medium is gone. */
  beforeStep: (what: string) => void = () => {};
  /** Changes what reads back from an offset on. */
  lie: (offset: number, bytes: Uint8Array) => void = () => {};
  /** Writes behind the capacity are dropped, and not written over the beginning. */
  readonly dropping: boolean;

  constructor(size: number, { capacity = size, dropping = false } = {}) {
    this.size = size;
    this.bytes = new Uint8Array(capacity).fill(0x5a);
    this.dropping = dropping;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.beforeStep(`write ${offset}`);
    for (let at = 0; at < bytes.length; at += SECTOR) {
      if (this.dropping && offset + at >= this.bytes.length) return;
      const sector = bytes.subarray(at, at + SECTOR);
      this.bytes.set(sector, (offset + at) % this.bytes.length);
    }
  }

  sync(): Promise<void> {
    this.beforeStep("sync");
    return Promise.resolve();
  }

  async *readBack(offset: number, length: number): AsyncIterable<Uint8Array> {
    // in pieces that fit nothing else
    for (let done = 0; done < length;) {
      const size = Math.min(100_000, length - done);
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; at++) {
        bytes[at] = this.bytes[(offset + done + at) % this.bytes.length];
      }
      this.lie(offset + done, bytes);
      yield bytes;
      done += size;
    }
  }
}

/** A file in memory, for reading. */
export function memoryFile(bytes: Uint8Array): DiskFile {
  let position = 0;
  const no = () => {
    throw new Error("it is open for reading");
  };
  return {
    read(into) {
      const part = bytes.subarray(position, position + Math.min(into.length, 70_001));
      into.set(part);
      position += part.length;
      return part.length || null;
    },
    seek: (offset) => void (position = offset),
    size: () => bytes.length,
    write: no,
    truncate: no,
    sync: no,
    close: () => {},
  };
}
