/**
 * The bundle that a node is sent on its way with.
 *
 * @module
 */

import { basename, resolve } from "@std/path";
import { reasonOf, UpdateError } from "../../mod/core/mod.ts";
import { TarLayout } from "../../mod/oras/mod.ts";
import { unreadable } from "./unreadable.ts";

/** A file that is a bundle. */
export interface CheckedBundle {
  /** Absolute. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Resolves where `path` is a bundle, as far as its table of contents tells.
 *
 * @throws {UpdateError} `usage` where it is none.
 */
export async function checkBundle(path: string): Promise<CheckedBundle> {
  const operation = `reading --bundle ${path}`;
  const problem = (found: string, cause?: unknown) =>
    new UpdateError("usage", {
      operation,
      found,
      advice: "give a file that `deno task bundle` has made",
      cause,
    });
  // it becomes a name on the node
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.ksu$/.test(basename(path))) {
    throw problem("a name that is not letters, digits, dots and hyphens, with .ksu at the end");
  }
  const { size } = await Deno.stat(path).catch((cause) => {
    throw unreadable(operation, cause);
  });
  try {
    const tags = await (await TarLayout.open(path)).tags();
    if (tags.length > 0) return { path: resolve(path), size };
  } catch (cause) {
    throw problem(reasonOf(cause), cause);
  }
  throw problem("no release with a tag");
}
