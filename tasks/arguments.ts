/**
 * The options of tasks.
 *
 * @module
 */

import { type Architecture, ARCHITECTURES, DEBIAN_NAMES } from "./elf.ts";
import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** What {@linkcode parseArgs} makes of options. */
export type Values<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T }>
>["values"];

/**
 * The options that this task was given. `--help` prints `help` and ends the process.
 *
 * @throws {Error} naming an option that is not there, with the help below.
 */
export function taskOptions<const T extends Options>(help: string, options: T): Values<T> {
  if (Deno.args.some((argument) => argument === "--help" || argument === "-h")) {
    console.log(help);
    Deno.exit(0);
  }
  try {
    return parseArgs({ args: [...Deno.args], options }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n\n${help}`);
  }
}

/**
 * The architectures that `--target` means.
 *
 * @throws {Error} where it is none of them.
 */
export function targets(value: string): readonly Architecture[] {
  return value === "all" ? ARCHITECTURES : [named(value, `${ARCHITECTURES.join(", ")} or all`)];
}

/**
 * The one architecture that `--target` means.
 *
 * @throws {Error} where it is none.
 */
export function oneTarget(value: string): Architecture {
  return named(value, ARCHITECTURES.join(" or "));
}

/** The architecture of that name, also in Debian's words. */
function named(value: string, wanted: string): Architecture {
  const found = ARCHITECTURES.find((name) => name === value || DEBIAN_NAMES[name] === value);
  if (found) return found;
  throw new Error(`--target: wanted ${wanted}, found "${value}"`);
}
