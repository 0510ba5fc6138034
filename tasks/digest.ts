/**
 * SHA-256 of files, for tasks.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** SHA-256 of the file `path` (of its first `length` bytes, where given), in hexadecimal. */
export async function sha256OfFile(path: string, length = Infinity): Promise<string> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1024 * 1024);
  for (let left = length; left > 0;) {
    const read = file.readSync(buffer.subarray(0, Math.min(buffer.length, left)));
    if (read === null) break;
    hash.update(buffer.subarray(0, read));
    left -= read;
  }
  return hash.digest("hex");
}

/** SHA-256 of bytes or text, in hexadecimal. */
export function sha256Of(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}
