/**
 * Options that several commands share.
 *
 * @module
 */

import {
  type Command,
  InvalidArgumentError,
  Option,
  type OptionValues,
} from "@commander-js/extra-typings";
import { isMoment } from "../core/mod.ts";
import { DEFAULT_CONF } from "./conf_file.ts";
import { LOG_FORMATS } from "./event_log.ts";
import { LOG_LEVELS } from "./log_line.ts";
import {
  MAX_SECONDS,
  type Setting,
  type SettingName,
  settingOf,
  SETTINGS,
  subjectOf,
} from "./settings.ts";
import { flagOf } from "./read_settings.ts";

/** The name of the executable. */
export const NAME = "kubesolo-update";

/** Where the agent keeps what it remembers. */
export const STATE_DIRECTORY = "/var/lib/kubesolo/update";

/** Where the state is. */
const DEFAULT_STATE = `${STATE_DIRECTORY}/state.json`;

/** {@linkcode withNode}, and where the settings are. */
export function withPlaces(command: Command) {
  return withConf(withNode(command));
}

/** {@linkcode withOutput}, and where things are on this node. */
export function withNode(command: Command) {
  return withState(withOutput(command))
    .option("--disk <device>", "look for the partitions on this disk alone, such as /dev/vda")
    .option("--grubenv <file>", "use this grubenv instead of the one on the ESP");
}

/** Where the state is. */
export function withState<A extends unknown[], O extends OptionValues>(command: Command<A, O>) {
  return command.option("--state <file>", "where the state is kept", DEFAULT_STATE);
}

/** Where the settings are. */
export function withConf<A extends unknown[], O extends OptionValues>(command: Command<A, O>) {
  return command.option("--conf <file>", `settings (default: ${DEFAULT_CONF}, if it is there)`);
}

/** How the outcome is printed, and what is said meanwhile. */
export function withOutput(command: Command) {
  return command
    .option("--json", "print the outcome as JSON on standard output")
    .addOption(
      new Option("--log-format <format>", "how to say on standard error what happens")
        .choices(LOG_FORMATS).default("text" as const),
    )
    .addOption(
      new Option("--log-level <level>", "how much of it")
        .choices(LOG_LEVELS).default("info" as const),
    );
}

/** {@linkcode withPlaces}, and where releases come from, and which of them are wanted. */
export function withSource(command: Command) {
  return withSettings(withSettings(withPlaces(command), "source"), "cluster")
    .addOption(
      new Option(
        "--from <path>",
        "take updates from a bundle, an image layout or a directory with latest.json, " +
          "or from a device that has one, such as /dev/sdb1",
      ).conflicts(["server", "registry", "omaha"]),
    )
    .option("--plain-http", "speak http to the registry", false)
    .option(
      "--force",
      "skip the maintenance window, the node's label and the ledger, nothing else",
      false,
    )
    .addOption(
      new Option("--offline-time <time>", "what time it is, where the node's clock does not know")
        .argParser(moment),
    )
    .addOption(
      new Option(
        "--stall-timeout <seconds>",
        "give up a connection that brings nothing for so long",
      )
        .argParser(seconds).default(30),
    );
}

/** The flags of a group of settings, of one, or of all. */
export function withSettings<C extends { addOption(option: Option): unknown }>(
  command: C,
  which: Setting["group"] | SettingName | "all",
): C {
  const names = Object.keys(SETTINGS) as SettingName[];
  for (const name of names) {
    const { group, valueName, meaning, default: text } = settingOf(name);
    if (which !== "all" && which !== group && which !== name) continue;
    const rest = text === undefined ? "" : ` (default: ${text})`;
    const option = new Option(`${flagOf(name)} <${valueName}>`, `${meaning}${rest}`);
    const others = names.filter((other) => other !== name && subjectOf(other) === subjectOf(name));
    command.addOption(option.conflicts(others));
  }
  return command;
}

/** Command lines to learn from, below a command's help. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${NAME} ${line}`).join("\n")}`;
}

/**
 * A moment as RFC 3339 writes it.
 *
 * @throws {InvalidArgumentError} where it is none.
 */
export function moment(text: string): Date {
  if (isMoment(text)) return new Date(text);
  throw new InvalidArgumentError("It takes a time such as 2027-01-31T00:00:00Z.");
}

/**
 * A number of seconds.
 *
 * @throws {InvalidArgumentError} where it is not more than 0 and up to a day.
 */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= MAX_SECONDS)) {
    throw new InvalidArgumentError("It takes a number of seconds, more than 0 and up to a day.");
  }
  return value;
}
