import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { parseKeyWord, type PublicKey, type Statement } from "../../mod/trust/mod.ts";

/** A key pair for tests. */
export interface TestKey {
  readonly publicKey: PublicKey;
  readonly privateKey: KeyObject;
  /** The public key in base64. */
  readonly word: string;
  /** A raw signature. */
  sign(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
}

/** The key pair number `seed`, the same each time. */
export function testKey(seed: number): TestKey {
  const der = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.alloc(32, seed),
  ]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey as unknown as string).export({
    format: "der",
    type: "spki",
  });
  const word = Uint8Array.from(spki.subarray(-32)).toBase64();
  return {
    publicKey: parseKeyWord(word) as PublicKey,
    privateKey,
    word,
    sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)),
  };
}

/** What is said, with these files beside it. */
export function statementOf(
  bytes: string | Uint8Array,
  ...signatures: readonly (string | Uint8Array)[]
): Statement {
  return {
    name: "latest.json",
    bytes: bytesOf(bytes),
    signatures: signatures.map((one) => ({ name: "latest.json.sig", bytes: bytesOf(one) })),
  };
}

export function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}
