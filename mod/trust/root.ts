/**
 * `trust.json`: which keys count, and how many of them have to sign.
 *
 * @module
 */

import { repeatedMember } from "../core/mod.ts";
import { MAX_KEYS } from "./limits.ts";
import { parseKeyWord, type PublicKey, requireDistinct } from "./public_key.ts";

/** What a `trust.json` says. */
export interface Root {
  /** From 1; each root that follows has one more. */
  readonly version: number;
  /** So many of the keys have to sign. */
  readonly threshold: number;
  /** The keys, each with its name. */
  readonly keys: readonly PublicKey[];
  /** Keys that never count again. */
  readonly revoked: readonly PublicKey[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

/**
 * Reads a `trust.json`. It has `version`, `threshold`, `keys`, a list of `{name, key}`, and may have
 * `revoked`, a list of keys; nothing else. Keys are written as {@linkcode parseKeyWord} reads them,
 * names in ASCII, so that no two look alike.
 *
 * @throws {Error} saying what is wrong.
 *
 * @example
 * ```ts
 * import { parseRoot } from "@kubesolo/update/trust";
 * import { assertEquals } from "@std/assert";
 *
 * const key = "RWRtn+icdfkfepSe7XxO6VethTDexHNYIu0MAuM//ck1w8Yvc4FVty1x";
 * const text = JSON.stringify({ version: 1, threshold: 1, keys: [{ name: "ops", key }] });
 * const { keys } = parseRoot(new TextEncoder().encode(text));
 * assertEquals(keys[0].id, "7A1FF9759CE89F6D");
 * ```
 */
export function parseRoot(bytes: Uint8Array): Root {
  const root = members(parse(bytes), "it", ["version", "threshold", "keys", "revoked"]);
  const keys = list(root.keys, "keys").map(namedKey);
  const revoked = list(root.revoked ?? [], "revoked").map((word) => keyOf(word, "revoked"));
  requireDistinct([...keys, ...revoked]);
  const names = new Set(keys.map(({ name }) => name?.toLowerCase()));
  if (names.size !== keys.length) throw new Error("two keys of one name");
  return {
    version: count(root.version, "version", Number.MAX_SAFE_INTEGER - 1),
    threshold: count(root.threshold, "threshold", keys.length),
    keys,
    revoked,
  };
}

function parse(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new Error("no JSON");
  }
  const name = repeatedMember(text);
  if (name !== undefined) throw new Error(`the member ${show(name)} twice in one object`);
  return value;
}

function namedKey(value: unknown): PublicKey {
  const { name, key } = members(value, "a key", ["name", "key"]);
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new Error(`the name ${show(name)}: up to 32 letters, digits, dots and dashes are wanted`);
  }
  return { ...keyOf(key, name), name };
}

function keyOf(word: unknown, where: string): PublicKey {
  let found = "no Ed25519 key in base64 or hexadecimal";
  try {
    const key = typeof word === "string" ? parseKeyWord(word) : undefined;
    if (key) return key;
  } catch (error) {
    found = (error as Error).message;
  }
  throw new Error(`key ${where}: ${found}`);
}

function members(value: unknown, what: string, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${what} is no JSON object`);
  }
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other !== undefined) throw new Error(`the unknown member ${show(other)}`);
  return value as Record<string, unknown>;
}

function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_KEYS) return value;
  throw new Error(`${name}: a list of at most ${MAX_KEYS} was wanted`);
}

function count(value: unknown, name: string, most: number): number {
  if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most) {
    return value as number;
  }
  throw new Error(`${name}: a whole number from 1 to ${most} was wanted, found ${show(value)}`);
}

/** A value from outside, in ASCII, so that what only looks like something else shows. */
function show(value: unknown): string {
  const text = JSON.stringify(value ?? null).slice(0, 60);
  return text.replaceAll(
    /[^\x20-\x7e]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
