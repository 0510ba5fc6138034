/**
 * `config`: every setting, where its value comes from, and what is wrong with it.
 *
 * @module
 */

import { bold, dim, red, yellow } from "@std/fmt/colors";
import { type Disk, oneLine, UpdateError } from "../core/mod.ts";
import { columns } from "./columns.ts";
import { DEFAULT_CONF, parseConf, readConf } from "./conf_file.ts";
import {
  type Given,
  keyOf,
  located,
  nameOf,
  type Origin,
  readGiven,
  readSettings,
  type SettingFlags,
  whereOf,
} from "./read_settings.ts";
import { reportRoot, type RootFinding, showRoot } from "./report_root.ts";
import { printable } from "./setting_values.ts";
import { type SettingName, SETTINGS, subjectOf } from "./settings.ts";

/** One setting, as `config` shows it. */
export interface SettingReport {
  /** Its name in update.conf, as it was given. */
  readonly key: string;
  /** Its value, with nothing in it that is secret; absent: not set. */
  readonly value?: string;
  /** Where that comes from. */
  readonly origin?: Origin;
  /** What is wrong with it. */
  readonly problem?: string;
}

/** What `config` found. */
export interface ConfigReport extends RootFinding {
  /** The file that was read. */
  readonly file: string;
  /** Whether it is there. */
  readonly exists: boolean;
  /** All settings. */
  readonly settings: readonly SettingReport[];
  /** What in the file counts for nothing. */
  readonly warnings: readonly { readonly line: number; readonly message: string }[];
}

/**
 * Looks at every setting, and at the root of trust of a node whose state is in the file `state`.
 *
 * @throws {UpdateError} `usage` where the file cannot be read.
 */
export async function reportSettings(
  disk: Disk,
  flags: SettingFlags,
  state: string,
): Promise<ConfigReport> {
  const file = flags.conf ?? DEFAULT_CONF;
  const text = await readConf(disk, file, flags.conf !== undefined);
  const settings = await readSettings(disk, flags);
  const names = (Object.keys(SETTINGS) as SettingName[]).filter((name) => subjectOf(name) === name);
  const reports = names.map(async (name): Promise<SettingReport> => {
    const given = settings.given(name);
    return {
      key: keyOf(given?.name ?? name),
      value: given && oneLine(printable(given.text)),
      origin: given?.origin,
      problem: given && (await problemOf(disk, given))?.message,
    };
  });
  return {
    file,
    exists: text !== undefined,
    settings: await Promise.all(reports),
    ...await reportRoot(disk, settings, state),
    warnings: warningsOf(text ?? ""),
  };
}

/** What is wrong with a value, also where only those can tell who use it. */
export async function problemOf(disk: Disk, given: Given): Promise<UpdateError | undefined> {
  try {
    const value = readGiven(given);
    if (typeof value === "string") await tryOut(disk, value, given);
  } catch (error) {
    if (error instanceof UpdateError) return located(error, given);
    throw error;
  }
}

async function tryOut(disk: Disk, value: string, given: Given): Promise<void> {
  switch (subjectOf(given.name)) {
    case "server": {
      const { readReference } = await import("./registry.ts");
      readReference(value);
      return;
    }
    case "pubkey": {
      const { trustKeys } = await import("./trust_keys.ts");
      await trustKeys(disk, value, whereOf(given));
    }
  }
}

function warningsOf(text: string): { line: number; message: string }[] {
  const seen = new Map<SettingName, { key: string; line: number }>();
  return parseConf(text).flatMap(({ line, key, value }) => {
    const warn = (message: string) => [{ line, message }];
    if (key === undefined) return warn("no key=value: it counts for nothing");
    const name = nameOf(key);
    if (!name) return warn(`unknown key ${key}: it counts for nothing`);
    if (value === "") return warn(`${key} is empty: it counts as not given`);
    const subject = subjectOf(name);
    const earlier = seen.get(subject);
    seen.set(subject, { key, line });
    if (!earlier) return [];
    return warn(
      `${key} goes before ${earlier.key} in line ${earlier.line}, which counts for nothing`,
    );
  });
}

/** The same for people. */
export function showReport(
  { file, exists, settings, warnings, root, rootProblem }: ConfigReport,
): string {
  const rows = settings.map(({ key, value, origin }) => [
    bold(key),
    value ?? dim("not set"),
    dim(origin ? whereFrom(origin) : ""),
  ]);
  const problems = [...settings.map(({ problem }) => problem), rootProblem].flatMap((problem) =>
    problem ? [`${red("error")}    ${problem}`] : []
  );
  return [
    `${file}${exists ? "" : ", which is not there"}`,
    "",
    ...columns(rows),
    ...root ? ["", ...showRoot(root)] : [],
    ...problems.length + warnings.length > 0 ? [""] : [],
    ...warnings.map(({ line, message }) => `${yellow("warning")}  ${file}:${line}: ${message}`),
    ...problems,
  ].join("\n");
}

function whereFrom(origin: Origin): string {
  switch (origin.from) {
    case "flag":
      return origin.flag;
    case "file":
      return `${origin.file}:${origin.line}`;
    case "default":
      return "default";
  }
}
