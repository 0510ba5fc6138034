/**
 * Attributes as typed values: which an element has, and how each is written.
 *
 * @module
 */

import type { Element } from "./_element.ts";

/** How one kind of value is read and written. */
interface Kind<T> {
  readonly wanted: string;
  /** undefined where the text is no such value. */
  read(text: string): T | undefined;
  write(value: T): string;
}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["", "0", "f", "F", "FALSE", "false", "False"]);

/** Text, as it is. */
export const TEXT: Kind<string> = {
  wanted: "text",
  read: (text) => text,
  write: (value) => value,
};

/** A whole number, which may have a sign. */
export const INTEGER: Kind<number> = {
  wanted: "a whole number of 64 bits",
  read: (text) => whole(text, /^[+-]?\d+$/, -(2n ** 63n), 2n ** 63n - 1n),
  write: String,
};

/** A whole number that is not negative. */
export const SIZE: Kind<number> = {
  wanted: "a whole number of bytes",
  read: (text) => whole(text, /^\d+$/, 0n, 2n ** 64n - 1n),
  write: String,
};

/** Yes or no: what Go takes for them; update_engine takes nothing but `true`. */
export const FLAG: Kind<boolean> = {
  wanted: "true or false",
  read(text) {
    const word = text.trim();
    return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined;
  },
  write: String,
};

/** As Go reads it: blanks around it do not count, and nothing is 0. */
function whole(text: string, form: RegExp, least: bigint, most: bigint): number | undefined {
  const digits = text.trim();
  if (digits === "") return 0;
  if (!form.test(digits) || digits.length > 64) return undefined;
  const value = BigInt(digits.replace("+", ""));
  return value >= least && value <= most ? Number(value) : undefined;
}

/** The attributes of an element by their names, in the order in which they are written. */
export type Attributes<T> = {
  readonly [K in keyof T]-?: Kind<Exclude<T[K], undefined>>;
};

/**
 * The values of the attributes that `element` has; others are ignored.
 *
 * @throws {Error} where a value is not of its kind.
 */
export function readAttributes<T>(element: Element, attributes: Attributes<T>): T {
  const values: Partial<Record<keyof T, unknown>> = {};
  for (const name of Object.keys(attributes) as (keyof T & string)[]) {
    const text = element.attributes.get(name);
    if (text === undefined) continue;
    const value = attributes[name].read(text);
    if (value === undefined) {
      throw new Error(`${element.name} ${name}="${text}": ${attributes[name].wanted} was wanted`);
    }
    values[name] = value;
  }
  return values as T;
}

/** The texts of the values that are there. */
export function writeAttributes<T>(
  values: T,
  attributes: Attributes<T>,
): Record<string, string | undefined> {
  const texts: Record<string, string | undefined> = {};
  for (const name of Object.keys(attributes) as (keyof T & string)[]) {
    const value = values[name] as Exclude<T[typeof name], undefined> | undefined;
    texts[name] = value === undefined ? undefined : attributes[name].write(value);
  }
  return texts;
}
