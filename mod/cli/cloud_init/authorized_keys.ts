/**
 * The public keys that may log in, as lines of sshd's authorized_keys.
 *
 * @module
 */

import { oneLine, shortened } from "../../core/mod.ts";
import type { YamlText } from "./yaml_text.ts";

/** Most users that are looked at. */
export const MAX_USERS = 32;

/** Most keys. */
const MAX_KEYS = 64;

/** Longest line: an RSA key of 16,384 bits fits. */
const MAX_KEY_LENGTH = 4096;

const TYPES = [
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

/**
 * Adds the keys of a list to `into`: type, key and comment with one space between, one that is there
 * already once. Options (`command=…`) are not taken: what a key may do is the node's to say.
 *
 * @throws {UpdateError} `usage`, naming the line, where one is no public key, or there are too many.
 */
export function readKeys(yaml: YamlText, list: unknown, into: Set<string>): void {
  for (const item of yaml.items(list)) {
    const line = yaml.lineOf(item);
    const key = keyLine(yaml.scalar(item) ?? "");
    if (!key) {
      throw yaml.refuse(
        line,
        `"${shortened(oneLine(yaml.scalar(item) ?? ""), 40)}" is no public key`,
        `give a line such as id_ed25519.pub has, without options: ${TYPES[0]} AAAA… name`,
      );
    }
    into.add(key);
    if (into.size > MAX_KEYS) {
      throw yaml.refuse(line, `more than ${MAX_KEYS} keys`, "give fewer");
    }
  }
}

/** The line; undefined where it is none. */
function keyLine(text: string): string | undefined {
  if (text.length > MAX_KEY_LENGTH || oneLine(text) !== text.replaceAll(/[ \t]+/g, " ")) return;
  const [type, blob, ...comment] = text.split(/[ \t]+/);
  if (!TYPES.includes(type) || !isBlobOf(type, blob ?? "")) return undefined;
  return [type, blob, ...comment].join(" ");
}

/** Whether it is base64 of what begins with the type (RFC 4253, section 6.6), and more. */
function isBlobOf(type: string, text: string): boolean {
  let blob: Uint8Array;
  try {
    blob = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    return false;
  }
  const head = [0, 0, 0, type.length, ...new TextEncoder().encode(type)];
  return /^[A-Za-z0-9+/=]+$/.test(text) && blob.length > head.length + 4 &&
    head.every((byte, at) => blob[at] === byte);
}
