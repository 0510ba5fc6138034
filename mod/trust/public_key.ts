/**
 * Public keys, in the formats in which people have them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { decodeBase64 } from "./_base64.ts";
import { faultOfPoint, P256_POINT_BYTES, P256_SPKI_PREFIX } from "./ecdsa.ts";
import { faultOfKey, SPKI_PREFIX } from "./ed25519.ts";
import { MAX_KEYS, PUBLIC_KEY_BYTES } from "./limits.ts";

/** An Ed25519 key that signatures are checked with, or one of ECDSA over P-256. */
export interface PublicKey {
  /**
   * 16 hexadecimal digits: minisign's key id, where the key came with one; else the beginning of the
   * key's SHA-256, written as minisign would.
   */
  readonly id: string;
  /** What the operator calls it. */
  readonly name?: string;
  /** The 32 bytes; of P-256 the 65 of its point. */
  readonly bytes: Uint8Array;
}

/** What minisign's public keys begin with: its algorithm, then 8 bytes of key id. */
const MINISIGN = "Ed";
const MINISIGN_KEY_BYTES = 2 + 8 + PUBLIC_KEY_BYTES;

const UNTRUSTED_COMMENT = "untrusted comment:";
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----\s([A-Za-z0-9+/=\s]*)-----END \1-----/g;

/** How a key is shown: `ops (0123456789ABCDEF)`. */
export function showKey({ id, name }: PublicKey): string {
  return name ? `${name} (${id})` : id;
}

/** The id in what {@linkcode showKey} shows. */
export function shownId(shown: string): string | undefined {
  return /\b[0-9A-F]{16}(?=\)?$)/.exec(shown)?.[0];
}

/**
 * The key of these 32 bytes, or 65 of P-256; `number` are the 8 bytes of its id, where it came with one.
 *
 * @throws {Error} where they are none that signatures can be checked with.
 */
export function publicKeyOf(bytes: Uint8Array, number?: Uint8Array): PublicKey {
  const fault = bytes.length === P256_POINT_BYTES ? faultOfPoint(bytes) : faultOfKey(bytes);
  if (fault) throw new Error(fault);
  const digest = createHash("sha256").update(bytes).digest();
  return { id: keyId(number ?? Uint8Array.from(digest.subarray(0, 8))), bytes };
}

/** A key id as minisign shows it: its 8 bytes are a number, lowest first. */
export function keyId(number: Uint8Array): string {
  return number.toReversed().toHex().toUpperCase();
}

/**
 * The key in one word: base64 of a minisign key, or of 32 bytes, or 64 hexadecimal digits; undefined
 * where it is none of these.
 *
 * @throws {Error} where it is a key that cannot be used.
 */
export function parseKeyWord(word: string): PublicKey | undefined {
  const bytes = /^[0-9a-fA-F]{64}$/.test(word) ? Uint8Array.fromHex(word) : decodeBase64(word);
  if (bytes?.length === PUBLIC_KEY_BYTES) return publicKeyOf(bytes);
  if (bytes?.length !== MINISIGN_KEY_BYTES) return undefined;
  if (String.fromCharCode(...bytes.subarray(0, 2)) !== MINISIGN) {
    throw new Error("a key of another algorithm than Ed25519");
  }
  return publicKeyOf(bytes.subarray(10), bytes.subarray(2, 10));
}

/**
 * The keys in a file: PEM (`PUBLIC KEY`), minisign's own files, or a word per line as
 * {@linkcode parseKeyWord} reads it. Several of one kind may follow each other.
 *
 * @throws {Error} saying what is wrong; never with what is in the file.
 *
 * @example
 * ```ts
 * import { parsePublicKeys } from "@kubesolo/update/trust";
 * import { assertEquals } from "@std/assert";
 *
 * const text = `untrusted comment: minisign public key 7A1FF9759CE89F6D
 * RWRtn+icdfkfepSe7XxO6VethTDexHNYIu0MAuM//ck1w8Yvc4FVty1x
 * `;
 * assertEquals(parsePublicKeys(text).map(({ id }) => id), ["7A1FF9759CE89F6D"]);
 * ```
 */
export function parsePublicKeys(text: string): PublicKey[] {
  const keys = text.includes("-----BEGIN") ? keysInPem(text) : keysInWords(text);
  if (keys.length === 0) throw new Error("no public key in it");
  if (keys.length > MAX_KEYS) throw new Error(`more than ${MAX_KEYS} keys`);
  requireDistinct(keys);
  return keys;
}

/**
 * Sees to it that each key counts once.
 *
 * @throws {Error} where one key is there twice, or two have one id.
 */
export function requireDistinct(keys: readonly PublicKey[]): void {
  const seen = new Set<string>();
  for (const { bytes, id } of keys) {
    const hex = bytes.toHex();
    if (seen.has(hex) || seen.has(id)) throw new Error(`key ${id} is there twice`);
    seen.add(hex).add(id);
  }
}

function keysInPem(text: string): PublicKey[] {
  const keys: PublicKey[] = [];
  const rest = text.replaceAll(PEM, (_, label: string, body: string) => {
    if (label !== "PUBLIC KEY") {
      throw new Error(`a ${label}, where a PUBLIC KEY was wanted`);
    }
    const der = decodeBase64(body.replaceAll(/\s/g, ""));
    const hex = der?.toHex() ?? "";
    const prefix = [SPKI_PREFIX, P256_SPKI_PREFIX].find((one) => hex.startsWith(one.toHex()));
    if (!der || !prefix) throw new Error("a key of another algorithm than Ed25519 and P-256");
    keys.push(publicKeyOf(der.subarray(prefix.length)));
    return "";
  });
  if (rest.trim() !== "") throw new Error("something besides keys in PEM");
  return keys;
}

function keysInWords(text: string): PublicKey[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const words = lines.filter((line) => line !== "" && !line.startsWith(UNTRUSTED_COMMENT));
  return words.slice(0, MAX_KEYS + 1).map((word) => {
    const key = parseKeyWord(word);
    if (!key) throw new Error("a line that is no Ed25519 key in base64 or hexadecimal");
    return key;
  });
}
