/** Files of layouts: read as streams, and replaced so that nobody sees half of one. */

import { CHUNK_BYTES } from "./_bytes.ts";
import type { ByteStream, FetchOptions } from "./content.ts";
import { OrasError } from "./errors.ts";

/** What `operation` gives; its failures are of the kind `io`. */
export async function io<T>(action: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (cause instanceof OrasError) throw cause;
    throw new OrasError("io", action, cause instanceof Error ? cause.message : `${cause}`, {
      cause,
    });
  }
}

/** Length of the regular file in bytes; undefined where there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  const info = await io(`looking for ${path}`, async () => {
    try {
      return await Deno.stat(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  });
  // A pipe or a device would never end.
  if (info && !info.isFile) throw new OrasError("io", `looking for ${path}`, "not a regular file");
  return info?.size;
}

/** The file's bytes from `start` to before `end`; the file is closed at the end, whatever that is. */
export async function readFile(
  path: string,
  start: number,
  end: number,
  { signal }: FetchOptions = {},
): Promise<ByteStream> {
  const action = `reading ${path}`;
  const file = await io(action, () => Deno.open(path));
  let left = Math.max(0, end - start);
  const finish = (controller: ReadableByteStreamController) => {
    file.close();
    controller.close();
    controller.byobRequest?.respond(0);
  };
  const source: UnderlyingByteSource = {
    type: "bytes",
    async start() {
      await io(action, () => file.seek(start, Deno.SeekMode.Start)).catch((error) => {
        file.close();
        throw error;
      });
    },
    async pull(controller) {
      if (left === 0) return finish(controller);
      const chunk = new Uint8Array(Math.min(left, CHUNK_BYTES));
      try {
        signal?.throwIfAborted();
        const size = await io(action, () => file.read(chunk)) ?? 0;
        if (size === 0) throw new OrasError("io", action, `ends ${left} bytes early`);
        left -= size;
        controller.enqueue(chunk.subarray(0, size));
      } catch (error) {
        file.close();
        throw error;
      }
    },
    cancel: () => file.close(),
  };
  return new ReadableStream(source);
}

/**
 * Resolves when the file holds what `content` gave, to its end, and that is durable. Until then there is
 * what was there before, also where `content` fails.
 */
export async function replaceFile(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const action = `writing ${path}`;
  const slash = path.lastIndexOf("/");
  const [directory, name] = [slash < 0 ? "." : path.slice(0, slash + 1), path.slice(slash + 1)];
  const temporary = `${directory}/.${name}.${crypto.randomUUID()}`;
  const file = await io(action, () => Deno.open(temporary, { write: true, createNew: true }));
  try {
    try {
      for await (const chunk of content) await io(action, () => writeAll(file, chunk));
      await io(action, () => file.sync());
    } finally {
      file.close();
    }
    await io(action, () => Deno.rename(temporary, path));
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await io(action, () => syncDirectory(directory));
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/** The names in the directory are durable: fsync(2) on the directory itself. */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path);
  await directory.sync();
}
