/** Names that people give to content. */

import { OrasError } from "./errors.ts";

/**
 * Grammar of a tag (distribution specification 1.1, pulling manifests). Layouts take more than that, and
 * registries do not.
 */
const TAG = /^\w[\w.-]{0,127}$/;

/** Complains where `tag` is none that registries and layouts take alike. */
export function checkTag(tag: string): void {
  if (!TAG.test(tag)) {
    throw new OrasError("reference", `tagging as ${JSON.stringify(tag)}`, "not a tag");
  }
}
