/**
 * What goes into the ext4 partitions of an image.
 *
 * @module
 */

import { type Artifact, sumsOf } from "../mod/core/mod.ts";
import { sha256OfFile } from "./digest.ts";
import type { Ext4Entry } from "../mod/provision/mod.ts";

const ARTIFACTS = ["vmlinuz", "kubesolo-os.gz"] as const;

/**
 * The files of a slot for the release in `directory`: kernel, initramfs, `version` where the directory
 * says it (in `version` or `latest.json`), and the sums that GRUB checks. `scratch` is made, and holds
 * what is not in `directory`.
 *
 * @throws {Error} where the kernel or the initramfs is not there.
 */
export async function slotEntries(directory: string, scratch: string): Promise<Ext4Entry[]> {
  await Deno.mkdir(scratch);
  const artifacts: Artifact[] = [];
  for (const name of ARTIFACTS) {
    try {
      artifacts.push({ name, sha256: await sha256OfFile(`${directory}/${name}`) });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Error(`${directory}: wanted a release (${ARTIFACTS.join(", ")}), found no ${name}`);
    }
  }
  const small = new Map([["SHA256SUMS", sumsOf(artifacts)]]);
  const version = await versionOf(directory);
  if (version) small.set("version", `${version}\n`);
  const entries: Ext4Entry[] = ARTIFACTS.map((name) => ({
    kind: "file",
    path: name,
    source: `${directory}/${name}`,
  }));
  for (const [name, text] of small) {
    await Deno.writeTextFile(`${scratch}/${name}`, text);
    entries.push({ kind: "file", path: name, source: `${scratch}/${name}` });
  }
  return entries;
}

async function versionOf(directory: string): Promise<string | undefined> {
  const version = await textOf(`${directory}/version`);
  if (version) return version.trim();
  const latest = await textOf(`${directory}/latest.json`);
  if (!latest) return;
  const parsed: { version?: unknown } = JSON.parse(latest);
  return typeof parsed.version === "string" ? parsed.version : undefined;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
}
