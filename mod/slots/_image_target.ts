import { createHash } from "node:crypto";
import type { DiskFile } from "../core/mod.ts";
import { HEAD_BYTES, type ImageHead } from "./_image_head.ts";
import { type Beginning, nothing, type SinkTarget } from "./_marked_sink.ts";
import { hashNext } from "./_read_through.ts";
import type { Image } from "./_release_kind.ts";

/** The device behind the image's head, and the head in memory. */
export class ImageTarget implements SinkTarget {
  readonly limit: number;
  readonly leastMark: number = HEAD_BYTES;
  /** The first bytes of the image, once they came. */
  readonly head: Uint8Array = new Uint8Array(HEAD_BYTES);
  #device: DiskFile;
  #image: Image;
  #heads: ImageHead;
  #isHeadKept = false;
  #end = 0;

  constructor(device: DiskFile, image: Image, heads: ImageHead) {
    this.#device = device;
    this.#image = image;
    this.#heads = heads;
    this.limit = device.size();
  }

  /** What an earlier run left, up to its mark. */
  async takeUp(marked: number): Promise<Beginning> {
    const isPossible = marked >= HEAD_BYTES && marked <= Math.min(this.#image.size, this.limit);
    const head = isPossible ? await this.#heads.load(this.#image) : undefined;
    if (!head) return nothing();
    const hash = createHash("sha256").update(head);
    this.#device.seek(HEAD_BYTES);
    const read = await hashNext(this.#device, marked - HEAD_BYTES, hash);
    if (HEAD_BYTES + read !== marked) return nothing();
    this.head.set(head);
    this.#isHeadKept = true;
    this.#end = marked;
    return { offset: marked, hash };
  }

  put(bytes: Uint8Array, offset: number): void {
    const inHead = Math.max(0, Math.min(bytes.length, HEAD_BYTES - offset));
    if (inHead > 0) this.head.set(bytes.subarray(0, inHead), offset);
    if (inHead < bytes.length) {
      this.#device.seek(offset + inHead);
      this.#device.write(bytes.subarray(inHead));
    }
    this.#end = offset + bytes.length;
  }

  async settle(): Promise<void> {
    if (!this.#isHeadKept && this.#end >= HEAD_BYTES) {
      await this.#heads.keep(this.#image, this.head);
      this.#isHeadKept = true;
    }
    await this.#device.sync();
  }

  clear(): void {
    this.#isHeadKept = false;
    this.#end = 0;
  }
}
