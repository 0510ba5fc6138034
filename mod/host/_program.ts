/**
 * Programs of the node, run by absolute path and without its environment.
 *
 * @module
 */

/** How a program ended. */
export interface ProgramEnd {
  /** The path that was there. */
  readonly path: string;
  readonly success: boolean;
  /** What it wrote on standard output. */
  readonly said: string;
  /** What it wrote on standard error, or its exit status where it wrote nothing. */
  readonly complaint: string;
}

/** Runs the first of `paths` that exists; undefined where none does. */
export async function runFirst(
  paths: readonly string[],
  args: readonly string[],
): Promise<ProgramEnd | undefined> {
  return await firstThere(paths, async (path) => {
    // PATH, LD_PRELOAD and the language of messages are nothing that a caller should choose
    const { success, code, stdout, stderr } = await new Deno.Command(path, {
      args: [...args],
      clearEnv: true,
      env: { LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [said, complaint] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes).trim()
    );
    return { path, success, said, complaint: complaint || `exit status ${code}` };
  });
}

/** What `start` makes of the first of `paths` that exists; undefined where none does. */
export async function firstThere<T>(
  paths: readonly string[],
  start: (path: string) => T | Promise<T>,
): Promise<T | undefined> {
  for (const path of paths) {
    try {
      return await start(path);
    } catch (error) {
      // a path that was absent when the agent started is not on its list of programs
      const absent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotCapable;
      if (!absent) throw error;
    }
  }
}
