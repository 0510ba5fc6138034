import { createHash, type Hash } from "node:crypto";
import type { ArtifactName, DiskFile, Reporter } from "../core/mod.ts";

/** Bytes that are read from a slot at once. */
const READ_BYTES = 4 << 20;

/** Tells the reporter how much of an artifact was read back. */
export function verifyProgress(reporter: Reporter, artifact: ArtifactName, total: number) {
  return (done: number) =>
    reporter.report({ kind: "progress", artifact, action: "verify", done, total });
}

/**
 * Puts the next bytes of `file` through `hash`, up to `length` of them.
 *
 * @returns How many there were.
 */
export async function hashNext(
  file: DiskFile,
  length: number,
  hash: Hash,
  progress: (done: number) => void = () => {},
): Promise<number> {
  const buffer = new Uint8Array(Math.min(READ_BYTES, length));
  let done = 0;
  while (done < length) {
    const read = file.read(buffer.subarray(0, length - done));
    if (!read) break;
    hash.update(buffer.subarray(0, read));
    done += read;
    progress(done);
    // signals, metrics and the watchdog get their turn
    await new Promise((resolve) => setTimeout(resolve));
  }
  return done;
}

/** SHA-256 of the whole of `file`, in hexadecimal. */
export async function hashFile(
  file: DiskFile,
  progress?: (done: number) => void,
): Promise<string> {
  const hash = createHash("sha256");
  file.seek(0);
  await hashNext(file, file.size(), hash, progress);
  return hash.digest("hex");
}
