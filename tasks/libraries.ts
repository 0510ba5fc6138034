/**
 * The shared libraries that a program needs, as the dynamic loader of this machine finds them.
 *
 * @module
 */

import { ProgramError, runText } from "./run.ts";

/**
 * Absolute paths of the libraries and the loader of `programs`, sorted, without repetition.
 *
 * @throws {Error} where a library is not found; it names the program and the library.
 */
export async function librariesOf(...programs: string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const program of programs) {
    for (const line of (await resolved(program)).split("\n")) {
      const lost = /^\s*(\S+) => not found/.exec(line);
      if (lost) throw new Error(`${program}: wanted the library ${lost[1]}, found none here`);
      const path = /(?:=>\s*)?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line.trim());
      if (path) found.add(path[1]);
    }
  }
  return [...found].sort();
}

/** What `ldd` says; nothing for a script or a static program. */
async function resolved(program: string): Promise<string> {
  try {
    return await runText("ldd", [program]);
  } catch (error) {
    const needsNone = error instanceof ProgramError &&
      error.output.includes("not a dynamic executable");
    if (needsNone) return "";
    throw error;
  }
}
