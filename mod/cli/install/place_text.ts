/**
 * Small files in their places.
 *
 * @module
 */

import { placeFile } from "../../host/mod.ts";
import type { Step } from "./step.ts";

/** A small file. */
export interface TextFile {
  /** Where it goes. */
  readonly path: string;
  /** Its permissions. */
  readonly mode: number;
  /** What is in it. */
  readonly text: string;
}

/** Writes it; what was there is kept at `backup`, where one is named. */
export async function placeText({ path, mode, text }: TextFile, backup?: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await placeFile(path, mode, (file) => file.write(bytes), backup);
}

/**
 * The way of a file to where somebody else's is: that one stays, unless `force` says so, and is kept as
 * `.bak` then.
 */
export function planForeign(file: TextFile, note: string, force: boolean): Step {
  const { path } = file;
  if (!force) {
    const advice = `${path}: ${note}; --force replaces it, and keeps it as .bak`;
    return { placed: { path, result: "kept", note }, advice };
  }
  const backup = `${path}.bak`;
  return { placed: { path, result: "replaced", backup }, perform: () => placeText(file, backup) };
}
