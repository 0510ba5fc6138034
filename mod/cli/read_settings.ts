/**
 * Settings: a flag beats `/etc/kubesolo/update.conf`, which beats the default.
 *
 * @module
 */

import { type Disk, UpdateError } from "../core/mod.ts";
import { DEFAULT_CONF, parseConf, readConf } from "./conf_file.ts";
import { type SettingName, settingOf, SETTINGS, subjectOf, type ValueOf } from "./settings.ts";

/** Where a value comes from. */
export type Origin =
  | { readonly from: "flag"; readonly flag: string }
  | { readonly from: "file"; readonly file: string; readonly line: number }
  | { readonly from: "default" };

/** A value as it was written. */
export interface Given {
  /** The setting that it was given for, by the name that was used. */
  readonly name: SettingName;
  /** As it was written. */
  readonly text: string;
  /** By whom. */
  readonly origin: Origin;
}

/** Flags that are settings, by the names that commander gives them, and the one for the file. */
export type SettingFlags = { readonly [N in SettingName]?: string } & { readonly conf?: string };

/** A setting that has a default always has a value. */
type Value<N extends SettingName> = (typeof SETTINGS)[N] extends { readonly default: string }
  ? ValueOf<N>
  : ValueOf<N> | undefined;

/**
 * The settings in force. A value is looked at when it is asked for: a slip in one that a command does
 * not need must not keep it from working.
 */
export class Settings {
  #given: ReadonlyMap<SettingName, Given>;
  #problem?: UpdateError;

  /** `problem`: why the file could not be read; every value that is asked for ends with it. */
  constructor(given: readonly Given[], problem?: UpdateError) {
    // registry is another word for server: what is given last counts, whichever word was used
    this.#given = new Map(given.map((one) => [subjectOf(one.name), one]));
    this.#problem = problem;
  }

  /**
   * The value of a setting; its default where nobody gave one.
   *
   * @throws {UpdateError} `usage`, naming flag or file and line, where it is no good.
   */
  get<N extends SettingName>(name: N): Value<N> {
    if (this.#problem) throw this.#problem;
    const given = this.given(name);
    return (given && readGiven(given)) as Value<N>;
  }

  /** What {@linkcode Settings.get} reads. */
  given(name: SettingName): Given | undefined {
    const text = settingOf(name).default;
    const byDefault: Given | undefined = text === undefined
      ? undefined
      : { name, text, origin: { from: "default" } };
    return this.#given.get(name) ?? byDefault;
  }
}

/** Reads update.conf, and lets flags go before it; a file that is not there is fine, unless asked for. */
export async function readSettings(disk: Disk, flags: SettingFlags): Promise<Settings> {
  const file = flags.conf ?? DEFAULT_CONF;
  try {
    const text = await readConf(disk, file, flags.conf !== undefined) ?? "";
    return new Settings([...givenByFile(text, file), ...givenByFlags(flags)]);
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    return new Settings([], error);
  }
}

/** The settings in the text of an update.conf, in its order; what is empty counts as not given. */
export function givenByFile(text: string, file: string): Given[] {
  return parseConf(text).flatMap(({ key, value, line }): Given[] => {
    const name = key && nameOf(key);
    if (!name || value === "") return [];
    return [{ name, text: value, origin: { from: "file", file, line } }];
  });
}

/** The settings among the flags of a command. */
export function givenByFlags(flags: SettingFlags): Given[] {
  const names = Object.keys(SETTINGS) as SettingName[];
  return names.flatMap((name): Given[] => {
    const text = flags[name];
    return text === undefined ? [] : [{ name, text, origin: { from: "flag", flag: flagOf(name) } }];
  });
}

/**
 * What a value means.
 *
 * @throws {UpdateError} `usage`, naming flag or file and line, where it is no good.
 */
export function readGiven(given: Given): unknown {
  try {
    return settingOf(given.name).read(given.text);
  } catch (error) {
    throw error instanceof UpdateError ? located(error, given) : error;
  }
}

/** What is wrong with a value, with the place where it was given. */
export function located(error: UpdateError, given: Given): UpdateError {
  const { found, advice } = error;
  const operation = `reading ${whereOf(given)}`;
  return new UpdateError("usage", { operation, found, advice, cause: error });
}

/** Where a value was given, for messages. */
export function whereOf({ name, origin }: Given): string {
  return origin.from === "file" ? `${keyOf(name)} in ${origin.file}:${origin.line}` : flagOf(name);
}

/** The setting that has this name in update.conf. */
export function nameOf(key: string): SettingName | undefined {
  return (Object.keys(SETTINGS) as SettingName[]).find((name) => keyOf(name) === key);
}

/** The name of a setting in update.conf. */
export function keyOf(name: SettingName): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The flag of a setting. */
export function flagOf(name: SettingName): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
