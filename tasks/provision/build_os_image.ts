/**
 * A disk image from these sources, for who names none. It is not in the compiled program.
 *
 * @module
 */

import { compileAgent, DIST } from "../compile.ts";
import { buildImage, ensureImageTools } from "../image.ts";
import { ensureInitramfsTools } from "../initramfs.ts";
import { makeRelease } from "../release.ts";
import { say } from "../screen.ts";
import manifest from "../../deno.json" with { type: "json" };

/** Resolves with the path of a disk image with the agent's own version in both slots. */
export async function buildOsImage(): Promise<string> {
  await ensureImageTools();
  await ensureInitramfsTools();
  const output = `${DIST}/kubesolo-os.img`;
  say(`building ${output}: no --os-image`);
  const directory = await Deno.makeTempDir({ prefix: "kubesolo-release-" });
  try {
    const agent = await compileAgent("x86_64");
    await makeRelease({ version: manifest.version, agent, directory });
    await buildImage({ output, slotA: directory, slotB: directory });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  return output;
}
