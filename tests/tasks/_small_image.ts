/**
 * An image that is quickly built: its kernel and initramfs are a few bytes.
 *
 * @module
 */

import { buildImage, type ImageOptions } from "../../tasks/image.ts";

/** Writes a release into `directory`, whose kernel and initramfs say `version`. */
export async function smallRelease(directory: string, version: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/vmlinuz`, `kernel of ${version}\n`.repeat(1000));
  await Deno.writeTextFile(`${directory}/kubesolo-os.gz`, `initramfs of ${version}\n`);
  await Deno.writeTextFile(`${directory}/latest.json`, JSON.stringify({ version }));
}

/** Builds an image with releases 1.0.0 and 2.0.0 and a data partition; resolves with its path. */
export async function smallImage(
  scratch: string,
  options: Partial<ImageOptions> = {},
): Promise<string> {
  await smallRelease(`${scratch}/a`, "1.0.0");
  await smallRelease(`${scratch}/b`, "2.0.0");
  await Deno.mkdir(`${scratch}/data/etc-kubesolo`, { recursive: true });
  const script = `${scratch}/data/etc-kubesolo/on-boot`;
  await Deno.writeTextFile(script, "#!/bin/sh\n", { mode: 0o700 });
  await Deno.symlink("etc-kubesolo", `${scratch}/data/link`).catch(() => {});
  const output = `${scratch}/disk.img`;
  await buildImage({
    output,
    slotA: `${scratch}/a`,
    slotB: `${scratch}/b`,
    data: `${scratch}/data`,
    sizes: { esp: 34 << 20, slot: 16 << 20, data: 16 << 20 },
    ...options,
  });
  return output;
}
