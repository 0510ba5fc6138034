/** Programs of the node, run by absolute path and without its environment. */

/** Where programs are looked for, in order. */
export const PROGRAM_DIRECTORIES: readonly string[] = ["/usr/bin", "/bin"];

/** What the program `name` of the first directory that has it said; undefined where it was content. */
export async function complaintOf(
  directories: readonly string[],
  name: string,
  args: readonly string[],
): Promise<string | undefined> {
  for (const directory of directories) {
    try {
      const { success, code, stderr } = await new Deno.Command(`${directory}/${name}`, {
        args: [...args],
        clearEnv: true,
        env: { LC_ALL: "C" },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).output();
      if (success) return undefined;
      return new TextDecoder().decode(stderr).trim() || `${name} ended with status ${code}`;
    } catch (error) {
      // a program that was absent when the agent started is not on its list of permissions
      const absent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotCapable;
      if (!absent) throw error;
    }
  }
  return `no program ${name} in ${directories.join(" or ")}`;
}
