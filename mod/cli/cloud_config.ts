/**
 * The `updates:` block of a cloud-config.
 *
 * @module
 */

import { isMap, isSeq, type YAMLMap } from "yaml";
import { MAX_WINDOWS, oneLine } from "../core/mod.ts";
import { type Given, keyOf, nameOf } from "./read_settings.ts";
import { type SettingName, SETTINGS, subjectOf } from "./settings.ts";
import { YamlText } from "./yaml_text.ts";

/** Most bytes of a cloud-config that are read: what is made to be slow takes seconds then, not minutes. */
export const MAX_CLOUD_CONFIG_BYTES = 128 << 10;

const HEADER = "#cloud-config";
const BLOCK = "updates";

/**
 * The settings in the `updates:` block. Undefined where the document has no such block; none where the
 * block is empty. `file` names the document in messages.
 *
 * @throws {UpdateError} `usage`, naming the line, where it is no cloud-config, its YAML is broken, or
 * the block has anything but settings.
 */
export function readCloudConfig(text: string, file: string): readonly Given[] | undefined {
  const yaml = new YamlText(text, file);
  const [first] = yaml.text.split(/\r?\n/, 1);
  if (first.trimEnd() !== HEADER) {
    throw yaml.refuse(1, describeFirst(first), `give a document whose first line is ${HEADER}`);
  }
  const pair = yaml.root()?.items.find(({ key }) => yaml.scalar(key) === BLOCK);
  if (!pair) return undefined;
  const block = yaml.follow(pair.value);
  if (yaml.scalar(block) === "") return [];
  if (isMap(block)) return settingsIn(yaml, block, file);
  const line = yaml.lineOf(pair.key);
  throw yaml.refuse(line, `${BLOCK}: is no mapping`, "write key: value lines below it");
}

function settingsIn(yaml: YamlText, block: YAMLMap, file: string): readonly Given[] {
  const found = new Map<SettingName, Given>();
  for (const { key, value } of block.items) {
    const line = yaml.lineOf(key);
    const word = yaml.scalar(key) ?? "";
    const name = nameOf(word);
    if (!name) {
      const known = (Object.keys(SETTINGS) as SettingName[]).map(keyOf).join(", ");
      throw yaml.refuse(line, `the unknown key "${oneLine(word)}"`, `known are ${known}`);
    }
    const text = name === "maintenanceWindow" ? windowsIn(yaml, value) : yaml.scalar(value);
    if (text === undefined) throw yaml.refuse(line, `${word} is no text`, "write one value");
    if (text === "") continue;
    const same = found.get(subjectOf(name));
    if (same) throw yaml.refuse(line, `${word} and ${keyOf(same.name)}`, "give one of them");
    found.set(subjectOf(name), { name, text, origin: { from: "file", file, line } });
  }
  return [...found.values()];
}

/** One text, or those of a list. */
function windowsIn(yaml: YamlText, value: unknown): string | undefined {
  const list = yaml.follow(value);
  if (!isSeq(list)) return yaml.scalar(list);
  // one more than there may be is enough to be refused
  const windows = list.items.slice(0, MAX_WINDOWS + 1).map((window) => yaml.scalar(window));
  return windows.includes(undefined) ? undefined : windows.join("; ");
}

function describeFirst(line: string): string {
  const shown = `"${oneLine(line.slice(0, 40))}"`;
  if (/^##\s*template:/.test(line)) return `a template, ${shown}, that was not rendered yet`;
  if (/^(?:MIME-Version|Content-Type):/i.test(line)) return `a MIME archive, ${shown}`;
  if (line.startsWith("\x1f\ufffd")) return "something compressed with gzip";
  return `${shown} in the first line`;
}
