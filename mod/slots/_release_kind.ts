import { type Artifact, type Release, UpdateError } from "../core/mod.ts";
import { BOOT_FILES } from "./_slot_files.ts";

/** A whole partition, and how many bytes of it the image fills. */
export type Image = Artifact & { readonly size: number };

/**
 * The image that a release consists of; undefined where it consists of files.
 *
 * @throws {UpdateError} `verification` where it is neither, or an image of unknown size: its end could
 * not be told from what lay in the slot before.
 */
export function imageOf({ artifacts }: Pick<Release, "artifacts">): Image | undefined {
  const names = artifacts.map(({ name }) => name);
  const [first] = artifacts;
  if (names.length === 1 && first.name === "image") {
    const { size } = first;
    if (size !== undefined) return { ...first, size };
    throw wrong("an image without its size");
  }
  const isFiles = names.length === BOOT_FILES.length &&
    BOOT_FILES.every((name) => names.includes(name));
  if (!isFiles) throw wrong(names.join(", ") || "nothing");
  return undefined;
}

function wrong(found: string): UpdateError {
  return new UpdateError("verification", {
    operation: "looking at what the release consists of",
    found,
    advice: `publish either ${BOOT_FILES.join(" and ")}, or one image with its size`,
  });
}
