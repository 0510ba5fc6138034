/**
 * Host names.
 *
 * @module
 */

import { oneLine, shortened } from "../../core/mod.ts";
import type { YamlEntry, YamlText } from "./yaml_text.ts";

/** What Linux takes (`HOST_NAME_MAX`). */
const MAX_LENGTH = 64;

/** RFC 1123, section 2.1: letters, digits and hyphens, none of them at an end. */
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
    `${word} "${shortened(oneLine(text ?? ""), MAX_LENGTH)}"`,
    `give at most ${MAX_LENGTH} letters, digits and hyphens, in parts with dots between them`,
  );
}
