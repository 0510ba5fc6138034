/**
 * Private keys: made, read, kept.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  pbkdf2Sync,
  randomBytes,
  sign,
} from "node:crypto";
import { decodeBase64 } from "./_base64.ts";
import { integer, objectId, octets, sequence } from "./_der.ts";
import { SPKI_PREFIX } from "./ed25519.ts";
import { type PublicKey, publicKeyOf } from "./public_key.ts";

/** Rounds of PBKDF2 that a passphrase goes through: what OWASP asks for with HMAC-SHA-256. */
export const PASSPHRASE_ROUNDS = 600_000;

/** What comes before the 32 bytes of an Ed25519 key in PKCS #8: RFC 8410, section 7. */
const PKCS8_PREFIX = Uint8Array.fromHex("302e020100300506032b657004220420");

/** Lengths in minisign's file of a secret key: algorithms, what the passphrase needs, key id, key, checksum. */
const MINISIGN_HEAD = 2 + 2 + 2 + 32 + 8 + 8;
const MINISIGN_BYTES = MINISIGN_HEAD + 8 + 64 + 32;

const PEM = /^\s*-----BEGIN ([A-Z ]+)-----\s[A-Za-z0-9+/=\s]*-----END \1-----\s*$/;

/** A key that signs. What it is made of is in no message. */
export class PrivateKey {
  /** What its signatures are checked with. */
  readonly publicKey: PublicKey;
  readonly #seed: Uint8Array;

  /** The key of a seed of 32 bytes; `number` is minisign's key id, where it has one. */
  constructor(seed: Uint8Array, number?: Uint8Array) {
    this.#seed = seed;
    // the runtime has it so, its types lack it
    const spki = createPublicKey(this.#object as never).export({ format: "der", type: "spki" });
    this.publicKey = publicKeyOf(Uint8Array.from(spki.subarray(SPKI_PREFIX.length)), number);
  }

  /** A new one. */
  static generate(): PrivateKey {
    return new PrivateKey(randomBytes(32));
  }

  /**
   * The key in a file: PKCS #8 in PEM, encrypted or not, or minisign's own without a passphrase.
   *
   * @throws {PassphraseNeeded} where it is encrypted and no passphrase is given.
   * @throws {WrongPassphrase} where it is encrypted with another one.
   * @throws {Error} saying what is wrong; never with what is in the file.
   */
  static parse(text: string, passphrase?: string): PrivateKey {
    const label = PEM.exec(text)?.[1];
    if (!label) return parseMinisign(text);
    if (label !== "PRIVATE KEY" && label !== "ENCRYPTED PRIVATE KEY") {
      throw new Error(`a ${label}, where a PRIVATE KEY was wanted`);
    }
    const encrypted = label === "ENCRYPTED PRIVATE KEY";
    if (encrypted && passphrase === undefined) throw new PassphraseNeeded();
    let object: KeyObject;
    try {
      object = createPrivateKey({ key: text, format: "pem", passphrase });
    } catch {
      throw encrypted ? new WrongPassphrase() : new Error("no key that can be read");
    }
    if (object.asymmetricKeyType !== "ed25519") {
      throw new Error("a key of another algorithm than Ed25519");
    }
    const der = object.export({ format: "der", type: "pkcs8" });
    return new PrivateKey(Uint8Array.from(der.subarray(PKCS8_PREFIX.length)));
  }

  /** PKCS #8 in PEM; with a passphrase encrypted (PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC). */
  format(passphrase?: string): string {
    const plain = Buffer.concat([PKCS8_PREFIX, this.#seed]);
    if (passphrase === undefined) return pem("PRIVATE KEY", plain);
    return pem("ENCRYPTED PRIVATE KEY", encrypt(plain, passphrase));
  }

  /** The 64 bytes of its signature over exactly `message`. */
  sign(message: Uint8Array): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(sign(null, message, this.#object));
  }

  get #object(): KeyObject {
    const key = Buffer.concat([PKCS8_PREFIX, this.#seed]);
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  }
}

/** A key cannot be read without its passphrase. */
export class PassphraseNeeded extends Error {
  /** Tells it from other errors. */
  override readonly name = "PassphraseNeeded";

  /** Says so. */
  constructor() {
    super("an encrypted key, and no passphrase");
  }
}

/** A key cannot be read with this passphrase. */
export class WrongPassphrase extends Error {
  /** Tells it from other errors. */
  override readonly name = "WrongPassphrase";

  /** Says so. */
  constructor() {
    super("another passphrase than this key's");
  }
}

/** DER in PEM: RFC 7468, lines of 64 characters. */
export function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** EncryptedPrivateKeyInfo, RFC 5958, section 3, with PBES2, RFC 8018, appendix A.4. */
function encrypt(plain: Uint8Array, passphrase: string): Uint8Array {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const key = pbkdf2Sync(passphrase, salt, PASSPHRASE_ROUNDS, 32, "sha256");
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  const secret = Buffer.concat([cipher.update(plain), cipher.final()]);
  const hmacWithSha256 = sequence(objectId("2a864886f70d0209"), Uint8Array.of(0x05, 0));
  const derivation = sequence(
    objectId("2a864886f70d01050c"),
    sequence(octets(salt), integer(PASSPHRASE_ROUNDS), hmacWithSha256),
  );
  const aes256Cbc = sequence(objectId("60864801650304012a"), octets(iv));
  const pbes2 = sequence(objectId("2a864886f70d01050d"), sequence(derivation, aes256Cbc));
  return sequence(pbes2, octets(secret));
}

function parseMinisign(text: string): PrivateKey {
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  const bytes = lines[0]?.startsWith("untrusted comment:") && lines.length === 2
    ? decodeBase64(lines[1])
    : undefined;
  if (bytes?.length !== MINISIGN_BYTES || bytes[0] !== 0x45 || bytes[1] !== 0x64) {
    throw new Error("no private key in PEM, nor one of minisign's");
  }
  if (bytes[2] !== 0 || bytes[3] !== 0) {
    throw new Error(
      "a minisign key with a passphrase, which cannot be read: take it off with -C -W",
    );
  }
  const [id, seed, point] = [[0, 8], [8, 40], [40, 72]].map(([from, to]) =>
    bytes.slice(MINISIGN_HEAD + from, MINISIGN_HEAD + to)
  );
  const key = new PrivateKey(seed, id);
  if (key.publicKey.bytes.toHex() !== point.toHex()) {
    throw new Error("a minisign key whose halves do not belong together");
  }
  return key;
}
