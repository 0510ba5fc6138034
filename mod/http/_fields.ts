/**
 * Members of a JSON object from outside, one by one, each with its own complaint.
 *
 * @module
 */

import { oneLine, UpdateError } from "../core/mod.ts";
import { MAX_TEXT_LENGTH } from "./limits.ts";

// C0 but tab and line feed, DEL, C1, and what turns the direction of writing round
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Most bytes that are shown of what is no JSON. */
const MAX_SHOWN = 40;

/** A JSON object, read member by member. Members that nobody asks for are ignored. */
export class Fields {
  #members: Readonly<Record<string, unknown>>;
  #where: string;

  /**
   * @throws {UpdateError} `verification` where `value` is no JSON object. `where` names it in messages.
   */
  constructor(value: unknown, where: string) {
    this.#where = where;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.refuse(`a JSON object was wanted, found ${describe(value)}`);
    }
    this.#members = value as Record<string, unknown>;
  }

  /**
   * The members of the object in a text.
   * @throws {UpdateError} `verification` where there is none.
   */
  static parse(json: Uint8Array, where: string): Fields {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
    } catch (cause) {
      const beginning = new TextDecoder().decode(json.subarray(0, MAX_SHOWN));
      const none = new Fields({}, where);
      throw none.refuse(`a JSON object was wanted, found ${describe(beginning)}`, cause);
    }
    return new Fields(value, where);
  }

  /** The objects in a list; none where the member is absent or null. */
  objects(name: string, limit: number): Fields[] {
    const value = this.#members[name] ?? [];
    if (!Array.isArray(value) || value.length > limit) {
      const found = Array.isArray(value) ? `${value.length}` : describe(value);
      throw this.wrong(name, `a list of at most ${limit} objects`, found);
    }
    return value.map((one, at) => new Fields(one, `${this.#where}, ${name}[${at}]`));
  }

  /** Text on one line; undefined where the member is absent, null or empty. */
  text(name: string, wanted = "text", limit = MAX_TEXT_LENGTH): string | undefined {
    const value = this.#raw(name, wanted, limit);
    return value === undefined ? undefined : oneLine(value) || undefined;
  }

  /** Text that may have line feeds and tabs, but nothing else that drives a terminal. */
  prose(name: string, limit: number): string | undefined {
    return this.#raw(name, "text", limit)?.replaceAll("\r\n", "\n").replaceAll(CONTROL, "");
  }

  /** The text, as it is, if there is any. */
  #raw(name: string, wanted: string, limit: number): string | undefined {
    const value = this.#members[name];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "string") throw this.wrong(name, wanted, describe(value));
    if (value.length > limit) {
      throw this.wrong(name, `at most ${limit} characters`, `${value.length}`);
    }
    return value;
  }

  /** A positive whole number; undefined where the member is absent or null. */
  size(name: string, of = " of bytes"): number | undefined {
    const value = this.#members[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value <= 0) {
      throw this.wrong(name, `a positive whole number${of}`, describe(value));
    }
    return value;
  }

  /** Whether the member says anything. */
  has(name: string): boolean {
    const value = this.#members[name];
    return value !== undefined && value !== null && value !== "";
  }

  /** The complaint about one member. */
  wrong(name: string, wanted: string, found: string): UpdateError {
    return this.refuse(`${name}: ${wanted} was wanted, found ${found}`);
  }

  /** The complaint about the whole. */
  refuse(found: string, cause?: unknown): UpdateError {
    return new UpdateError("verification", {
      operation: `reading ${this.#where}`,
      found,
      advice: "see that it is the address of a latest.json, and have the release published again",
      cause,
    });
  }
}

/** A value from outside, as it may be shown. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return `"${oneLine(value.slice(0, MAX_TEXT_LENGTH))}"`;
  return `the ${typeof value} ${value}`;
}
