import { type ErrorParts, UpdateError } from "../core/mod.ts";

/**
 * A file system that was cut off in such a way that the kernel repairs it as soon as it is mounted,
 * read-only or not. Its code is `slot`.
 */
export class UncleanFileSystem extends UpdateError {
  /** An error with the code `slot`. */
  constructor(parts: ErrorParts) {
    super("slot", parts);
  }
}
