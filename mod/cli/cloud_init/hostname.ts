/**
 * Host names.
 *
 * @module
 */

import { oneLine, shortened } from "../../core/mod.ts";
import type { YamlEntry, YamlText } from "./yaml_text.ts";

/** RFC 1035, section 2.3.4: 255 bytes, of which the lengths before and behind take two. */
const MAX_LENGTH = 253;

/** Of a name that is none. */
const SHOWN_LETTERS = 64;

/** RFC 1123, section 2.1: letters, digits and hyphens, none of them at an end. Linux takes 64 of them. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The node's name: what comes before the first dot, in lower case as Kubernetes wants it; undefined
 * where nothing is said.
 *
 * @throws {UpdateError} `usage`, naming the line, where it is no host name.
 */
export function readHostname(yaml: YamlText, { word, line, value }: YamlEntry): string | undefined {
  const text = yaml.scalar(value);
  if (text === "") return undefined;
  const labels = (text ?? "").toLowerCase().split(".");
  if (
    text !== undefined && text.length <= MAX_LENGTH && labels.every((label) => LABEL.test(label))
  ) {
    return labels[0];
  }
  throw yaml.refuse(
    line,
    `${word} "${shortened(oneLine(text ?? ""), SHOWN_LETTERS)}"`,
    "give letters, digits and hyphens, at most 63 between two dots",
  );
}
