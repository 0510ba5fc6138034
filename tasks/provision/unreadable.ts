/**
 * Files that the command line names and that cannot be read.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../../mod/core/mod.ts";

/** Why a file that the command line names cannot be read. */
export function unreadable(operation: string, cause: unknown): UpdateError {
  const outside = cause instanceof Deno.errors.NotCapable;
  return new UpdateError("usage", {
    operation,
    found: outside ? "it lies outside the directory that this was started in" : reasonOf(cause),
    advice: outside
      ? "start it in the directory with the files, or above; a key can be given as text"
      : "see that the file is there and can be read",
    cause,
  });
}
