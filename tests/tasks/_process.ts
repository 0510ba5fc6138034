/**
 * Tasks in processes of their own, with their own cache and first in PATH what the test puts there.
 *
 * @module
 */

import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";

/** How a process ended. */
export interface Ended {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Deno with `args` in this repository; `scratch` is the cache, and first in PATH, unless `env`
 * says otherwise. */
export async function deno(
  scratch: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  // Deno's own packages are under the cache directory too, unless they are named.
  const info: { denoDir: string } = JSON.parse(await runText(Deno.execPath(), ["info", "--json"]));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: {
      NO_COLOR: "1",
      DENO_DIR: info.denoDir,
      PATH: `${scratch}:${Deno.env.get("PATH")}`,
      XDG_CACHE_HOME: scratch,
      ...env,
    },
  }).output();
  const text = new TextDecoder();
  return { success, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}
