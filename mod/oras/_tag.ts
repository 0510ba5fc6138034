/** Names that people give to content. */

import { OrasError } from "./errors.ts";
import { isTag } from "./reference.ts";

/** Complains where `tag` is none that registries and layouts take alike. */
export function checkTag(tag: string): void {
  if (!isTag(tag)) {
    throw new OrasError("reference", `tagging as ${JSON.stringify(tag)}`, "not a tag");
  }
}
