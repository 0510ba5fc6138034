/**
 * Partition images in zstd.
 *
 * @module
 */

import { pipeline } from "node:stream";
import { createZstdCompress } from "node:zlib";
import { ZSTD_PARAMETERS } from "../packing.ts";
import { bytesOf, tell } from "./upload.ts";

/** Resolves when `output` is the file `input` in zstd; `listen` hears how many bytes have been read. */
export async function compress(
  input: string,
  output: string,
  listen: (done: number) => void,
): Promise<void> {
  const packed: AsyncIterable<Uint8Array> = pipeline(
    tell(bytesOf(input), listen),
    createZstdCompress({ chunkSize: 128 << 10, params: ZSTD_PARAMETERS }),
    () => {},
  );
  using file = await Deno.open(output, { write: true, truncate: true });
  for await (const bytes of packed) {
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  }
}
