/** JSON from somewhere else: every value is looked at before it is used. */

import { shown } from "./_shown.ts";
import { OrasError } from "./errors.ts";

/** Most characters that are shown of a value. */
const MAX_SHOWN = 100;

/** A JSON object, of which nothing else is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a value of a document has to be, and the complaint where it is something else. */
export class JsonReader {
  readonly #action: string;

  /** `action` is what is being done, for messages. */
  constructor(action: string) {
    this.#action = action;
  }

  /** The object that `bytes` are, in UTF-8. */
  parse(bytes: Uint8Array): JsonObject {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch (cause) {
      throw new OrasError("content", this.#action, "not JSON", { cause });
    }
    return this.object(value, "the document");
  }

  /** An object. */
  object(value: unknown, where: string): JsonObject {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.wrong(where, "an object", value);
    }
    return value as JsonObject;
  }

  /** A list of at most `limit` values; Go writes an empty one as null. */
  list(value: unknown, where: string, limit: number): readonly unknown[] {
    if (value === null) return [];
    if (!Array.isArray(value)) throw this.wrong(where, "a list", value);
    if (value.length > limit) {
      throw this.wrong(where, `at most ${limit} of them`, value.length);
    }
    return value;
  }

  /** A text of at least one and at most `limit` UTF-16 code units. */
  text(value: unknown, where: string, limit: number): string {
    if (typeof value !== "string" || value === "") throw this.wrong(where, "a text", value);
    if (value.length > limit) throw this.wrong(where, `at most ${limit} characters`, value.length);
    return value;
  }

  /** Complains about the value at `where`. */
  wrong(where: string, wanted: string, value: unknown): OrasError {
    const found = value === undefined ? "nothing" : shown(JSON.stringify(value), MAX_SHOWN);
    return new OrasError("content", this.#action, `${where}: wanted ${wanted}, found ${found}`);
  }
}

/** Whether an optional property is there; Go writes absent ones as null now and then. */
export function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
