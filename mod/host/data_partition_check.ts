/**
 * Health: does the data partition take writes?
 *
 * @module
 */

import { type Disk, type HealthCheck, readSmall, withFile } from "../core/mod.ts";

/** Bytes that are written and read back. */
export const SAMPLE_BYTES = 1024;

/**
 * A check that passes when random bytes written to a file in `directory` became durable, were read
 * back the same, and were removed.
 */
export function dataPartitionCheck(disk: Disk, directory: string): HealthCheck {
  return {
    name: "data-partition",
    async run(signal) {
      signal.throwIfAborted();
      const path = `${directory}/health-check.tmp`;
      const sample = crypto.getRandomValues(new Uint8Array(SAMPLE_BYTES));
      try {
        await withFile(disk, path, "replace", async (file) => {
          file.write(sample);
          await file.sync();
        });
        const found = await readSmall(disk, path, SAMPLE_BYTES);
        if (!found || !same(found, sample)) {
          throw new Error(`${path} does not read back as it was written`);
        }
      } finally {
        // a read-only file system says no to this as well; the first no is the one to report
        await disk.remove(path).catch(() => {});
      }
    },
  };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
