/**
 * JSON that two readers may understand differently.
 *
 * @module
 */

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
