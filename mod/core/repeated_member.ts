/**
 * JSON that two readers may understand differently.
 *
 * @module
 */

import { UpdateError } from "./errors.ts";

/** Most letters of a repeated name that are shown. */
const MAX_SHOWN = 40;

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/**
 * The first member name that an object in `json`, which is valid JSON, has twice; undefined where there
 * is none. RFC 8259, section 4: readers differ in which of the two they take.
 *
 * @example
 * ```ts
 * import { repeatedMember } from "@kubesolo/update/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(repeatedMember('{"a": {"b": 1}, "b": ["b", "b"]}'), undefined);
 * assertEquals(repeatedMember('[{"a": 1, "\\u0061": 2}]'), "a");
 * ```
 */
export function repeatedMember(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let string = "";
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const name = JSON.parse(string) as string;
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    } else string = token;
  }
}

/**
 * What is signed must not be read in two ways. What is no JSON passes, and gets its complaint from who
 * reads it.
 *
 * @param name where the bytes came from, for the message.
 * @throws {UpdateError} `verification` where an object names a member twice.
 */
export function refuseRepeated(name: string, bytes: Uint8Array): void {
  const text = new TextDecoder().decode(bytes);
  const member = isJson(text) ? repeatedMember(text) : undefined;
  if (member === undefined) return;
  throw new UpdateError("verification", {
    operation: `reading ${name}`,
    found: `the member ${JSON.stringify(member.slice(0, MAX_SHOWN))} twice in one object`,
    advice: "have the release published again, with each member once",
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
