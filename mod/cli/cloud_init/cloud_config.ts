/**
 * A cloud-config: the `updates:` block, the hostname, and who may log in.
 *
 * @module
 */

import { isMap, isSeq, type YAMLMap } from "yaml";
import { MAX_WINDOWS, oneLine } from "../../core/mod.ts";
import { type Given, keyOf, nameOf } from "../read_settings.ts";
import { type SettingName, SETTINGS, subjectOf } from "../settings.ts";
import { MAX_USERS, readKeys } from "./authorized_keys.ts";
import { readHostname } from "./hostname.ts";
import { type YamlEntry, YamlText } from "./yaml_text.ts";

/** Most bytes of a document that are read: what is made to be slow takes seconds then, not minutes. */
export const MAX_CLOUD_CONFIG_BYTES = 128 << 10;

const HEADER = "#cloud-config";
const BLOCK = "updates";

/** What a cloud-config says that this node does. */
export interface CloudConfig {
  /** The settings in the `updates:` block; undefined where there is none, none where it is empty. */
  readonly updates?: readonly Given[];
  /** The node's name: of `hostname`, else of `fqdn`, up to the first dot. */
  readonly hostname?: string;
  /** Lines of authorized_keys, of the top and of all users; undefined where nobody speaks of keys. */
  readonly keys?: readonly string[];
  /** What else it says, with file and line: it counts for nothing here. */
  readonly warnings: readonly string[];
}

/**
 * Reads a cloud-config. `file` names the document in messages.
 *
 * @throws {UpdateError} `usage`, naming the line, where it is no cloud-config, its YAML is broken, the
 * block has anything but settings, or a name or a key is no good.
 */
export function readCloudConfig(text: string, file: string): CloudConfig {
  const yaml = new YamlText(text, file);
  const [first] = yaml.text.split(/\r?\n/, 1);
  if (first.trimEnd() !== HEADER) {
    throw yaml.refuse(1, describeFirst(first), `give a document whose first line is ${HEADER}`);
  }
  let updates: readonly Given[] | undefined;
  const names: { hostname?: string; fqdn?: string } = {};
  const keys = new Set<string>();
  let speaksOfKeys = false;
  for (const entry of yaml.entries(yaml.root(), "the document", 1)) {
    const { word, line, value } = entry;
    switch (word) {
      case BLOCK:
        updates = updatesIn(yaml, entry, file);
        break;
      case "hostname":
      case "fqdn":
        names[word] = readHostname(yaml, entry);
        break;
      case "ssh_authorized_keys":
        speaksOfKeys = true;
        readKeys(yaml, value, keys);
        break;
      case "users":
        speaksOfKeys = usersIn(yaml, entry, keys) || speaksOfKeys;
        break;
      default:
        yaml.warn(line, `${word}: counts for nothing on this node`);
    }
  }
  return {
    updates,
    hostname: names.hostname ?? names.fqdn,
    keys: speaksOfKeys ? [...keys] : undefined,
    warnings: yaml.warnings,
  };
}

function updatesIn(yaml: YamlText, { line, value }: YamlEntry, file: string): readonly Given[] {
  const block = yaml.follow(value);
  if (yaml.scalar(block) === "") return [];
  if (isMap(block)) return settingsIn(yaml, block, file);
  throw yaml.refuse(line, `${BLOCK}: is no mapping`, "write key: value lines below it");
}

/** Whether one of the users has keys: they go into `keys`, since root is the only one here. */
function usersIn(yaml: YamlText, { line, value }: YamlEntry, keys: Set<string>): boolean {
  const users = yaml.items(value);
  if (users.length > MAX_USERS) {
    throw yaml.refuse(line, `more than ${MAX_USERS} users`, "give fewer");
  }
  let found = false;
  for (const user of users) {
    if (yaml.scalar(user) === "default") continue;
    const entries = yaml.entries(user, "a user", yaml.lineOf(user));
    const name = yaml.scalar(entries.find(({ word }) => word === "name")?.value) || "?";
    const list = entries.find(({ word }) => word === "ssh_authorized_keys");
    if (!list) {
      yaml.warn(yaml.lineOf(user), `user ${oneLine(name)}: this node has root alone`);
      continue;
    }
    found = true;
    readKeys(yaml, list.value, keys);
    if (name !== "root") {
      yaml.warn(
        yaml.lineOf(user),
        `user ${oneLine(name)}: this node has root alone, whom the keys open`,
      );
    }
  }
  return found;
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
