/**
 * The update.conf of a new node.
 *
 * @module
 */

import { dirname } from "@std/path";
import { type Disk, UpdateError } from "../../core/mod.ts";
import { PRIVATE_MODE } from "../../host/mod.ts";
import { confLine, DEFAULT_CONF, readConf, saysJust } from "../conf_file.ts";
import { type Given, givenByFile, keyOf } from "../read_settings.ts";
import { problemOf } from "../report_settings.ts";
import { type SettingName, settingOf, SETTINGS, subjectOf } from "../settings.ts";
import { placeText, planForeign } from "./place_text.ts";
import type { Step } from "./step.ts";

/**
 * The way to an update.conf with the settings that were given, and all others as comments. One that is
 * there stays, unless it says something else and `force` is given; it is kept as `.bak` then.
 *
 * @throws {UpdateError} `usage` where a setting is no good.
 */
export async function planSettings(
  disk: Disk,
  given: readonly Given[],
  force: boolean,
): Promise<Step> {
  for (const one of given) {
    const problem = await problemOf(disk, one);
    if (problem) throw problem;
  }
  const path = DEFAULT_CONF;
  // an address may have a password in it
  const file = { path, mode: PRIVATE_MODE, text: exampleConf(given) };
  const before = await readConf(disk, path);
  if (before === undefined) {
    return { placed: { path, result: "installed" }, perform: () => placeText(file) };
  }
  if (given.every((one) => isIn(before, one))) return { placed: { path, result: "unchanged" } };
  return planForeign(file, "it was there; what was given now is not in it", force);
}

/** Whether the text of an update.conf says this already. */
function isIn(text: string, { name, text: value }: Given): boolean {
  const counts = givenByFile(text, DEFAULT_CONF).findLast((one) =>
    subjectOf(one.name) === subjectOf(name)
  );
  return counts?.name === name && counts.text === value;
}

/** Every setting with what it is for; those that were not given are comments. */
function exampleConf(given: readonly Given[]): string {
  const lines = [
    "# Settings of kubesolo-update. A flag goes before this file; `kubesolo-update config` shows what",
    "# counts, and what is wrong with it.",
  ];
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const { meaning, default: text = "" } = settingOf(name);
    const key = keyOf(name);
    lines.push("", `# ${meaning}`);
    const own = given.filter((one) => one.name === name);
    lines.push(...own.length > 0 ? own.map((one) => confLine(key, one.text)) : [`#${key}=${text}`]);
  }
  const text = `${lines.join("\n")}\n`;
  const pairs = given.map((one) => [keyOf(one.name), one.text] as const);
  if (saysJust(text, pairs)) return text;
  throw new UpdateError("usage", {
    operation: `writing ${DEFAULT_CONF}`,
    found: "a value that does not fit on a line",
    advice: `leave out line breaks, or make ${dirname(DEFAULT_CONF)} by hand`,
  });
}
