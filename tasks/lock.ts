/**
 * Work that two processes must not do at once.
 *
 * @module
 */

import { dirname } from "@std/path";

/**
 * Runs `body` while this process alone holds the lock file `path`, which is made where it is not
 * there. The kernel releases it with the process, so a killed task leaves nothing behind that blocks.
 */
export async function withLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  await Deno.mkdir(dirname(path), { recursive: true });
  using file = await Deno.open(path, { create: true, write: true });
  await file.lock(true);
  return await body();
}

/** Where this project keeps what is costly to make or to fetch: XDG's cache directory. */
export function cacheDirectory(): string {
  const xdg = Deno.env.get("XDG_CACHE_HOME");
  const base = xdg?.startsWith("/") ? xdg : `${Deno.env.get("HOME") ?? "/var/cache"}/.cache`;
  return `${base}/kubesolo-update`;
}
