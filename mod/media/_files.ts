/** Files of a directory that somebody else has filled. */

import { type Disk, readSmall, reasonOf, UpdateError } from "../core/mod.ts";

/**
 * The regular file `name` below `directory`; undefined where there is none.
 *
 * @throws {UpdateError} `verification` where it is something else, or a link leads out of the directory:
 * what lies elsewhere on this node is nobody's release.
 */
export async function fileInside(directory: string, name: string): Promise<string | undefined> {
  const path = `${directory}/${name}`;
  const wrong = (found: string) =>
    new UpdateError("verification", {
      operation: `reading ${path}`,
      found,
      advice: "put the file itself there",
    });
  try {
    const [home, real] = await Promise.all([Deno.realPath(directory), Deno.realPath(path)]);
    if (!real.startsWith(`${home}/`)) throw wrong("a link that leads out of the directory");
    if (!(await Deno.stat(real)).isFile) throw wrong("not a regular file");
    return real;
  } catch (error) {
    if (error instanceof UpdateError) throw error;
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    // a link may lead where the agent may not even look
    if (error instanceof Deno.errors.NotCapable) {
      throw wrong("a link that leads out of the directory");
    }
    throw error;
  }
}

/**
 * All of a small file; undefined where there is none.
 *
 * @throws {UpdateError} `verification` where it has more than `limit` bytes, and as
 * {@linkcode fileInside} does; `source` where it cannot be read.
 */
export async function readDocument(
  disk: Disk,
  directory: string,
  name: string,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const operation = `reading ${directory}/${name}`;
  const path = await fileInside(directory, name);
  if (path === undefined) return undefined;
  const bytes = await readSmall(disk, path, limit).catch((cause) => {
    const advice = "see that the file can be read";
    throw new UpdateError("source", { operation, found: reasonOf(cause), advice, cause });
  });
  if (bytes) return bytes;
  throw new UpdateError("verification", {
    operation,
    found: `more than ${limit} bytes`,
    advice: "see that it is the file of a release",
  });
}
