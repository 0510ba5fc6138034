import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, verify } from "node:crypto";
import { faultOfKey, isSignature, SPKI_PREFIX } from "../../mod/trust/mod.ts";
import { testKey } from "./_keys.ts";

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const P = 2n ** 255n - 19n;
const IDENTITY = littleEndian(1n);

/** Encodings of the eight points of small order, and how they can be written besides. */
const SMALL = [
  ...[0n, 1n, P - 1n, P, P + 1n].map(littleEndian),
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].flatMap((hex) => {
  const bytes = typeof hex === "string" ? Uint8Array.fromHex(hex) : hex;
  const negative = bytes.slice();
  negative[31] |= 0x80;
  return [bytes, negative];
});

function littleEndian(value: bigint): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(value.toString(16).padStart(64, "0")).reverse();
}

function runtimeTakes(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([SPKI_PREFIX, key]);
  try {
    const object = createPublicKey({ key: spki, format: "der", type: "spki" });
    return verify(null, message, object, signature);
  } catch {
    return false;
  }
}

Deno.test("a key of small order is refused, for which the runtime takes signatures of anybody", () => {
  const forged = new Uint8Array([...IDENTITY, ...new Uint8Array(32)]);
  let taken = 0;
  for (const key of SMALL) {
    assert(faultOfKey(key), key.toHex());
    for (let n = 0; n < 8; n++) {
      const message = new Uint8Array([n]);
      if (runtimeTakes(key, message, forged)) taken++;
      assert(!isSignature(key, message, forged));
    }
  }
  assert(taken > 0, "the runtime has become strict: this defence could go");
  console.log(`${SMALL.length} keys of small order; the runtime took ${taken} forged signatures`);
});

Deno.test("a signature can be written in one way only", () => {
  const { publicKey: { bytes: key }, sign } = testKey(1);
  const message = new TextEncoder().encode("latest");
  const signature = sign(message);
  assert(isSignature(key, message, signature));
  const scalar = BigInt(`0x${signature.slice(32).reverse().toHex()}`);
  for (const more of [ORDER, 2n * ORDER, 7n * ORDER]) {
    const other = new Uint8Array([...signature.slice(0, 32), ...littleEndian(scalar + more)]);
    assert(!isSignature(key, message, other));
  }
  for (const point of SMALL) {
    assert(!isSignature(key, message, new Uint8Array([...point, ...signature.slice(32)])));
  }
  assert(!isSignature(key, message, signature.subarray(0, 63)));
  assert(!isSignature(key, message, new Uint8Array([...signature, 0])));
});

Deno.test("a signer that leaves its secret number out is refused, which the runtime takes", () => {
  const key = testKey(1);
  const message = new TextEncoder().encode("latest");
  const scalar = createHash("sha512").update(new Uint8Array(32).fill(1)).digest().subarray(0, 32);
  scalar[0] &= 248;
  scalar[31] = scalar[31] & 127 | 64;
  const number = (bytes: Uint8Array) => BigInt(`0x${bytes.toReversed().toHex()}`);
  const challenge = createHash("sha512")
    .update(IDENTITY).update(key.publicKey.bytes).update(message).digest();
  const proof = littleEndian(number(challenge) * number(scalar) % ORDER);
  const signature = new Uint8Array([...IDENTITY, ...proof]);
  assert(runtimeTakes(key.publicKey.bytes, message, signature));
  assert(!isSignature(key.publicKey.bytes, message, signature));
});

Deno.test("keys that are no point of the curve, or have another length, are named as such", () => {
  assertEquals(faultOfKey(new Uint8Array(31)), "31 bytes, where an Ed25519 key has 32");
  assertEquals(faultOfKey(littleEndian(2n)), "no point of the curve");
  assertEquals(faultOfKey(littleEndian(P + 3n)), "a point that is written in a second way");
  for (let seed = 0; seed < 20; seed++) {
    assertEquals(faultOfKey(testKey(seed).publicKey.bytes), undefined);
  }
});

Deno.test("the examples of RFC 8032, section 7.1", () => {
  const examples = [
    [
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
  ].map((row) => row.map((hex) => Uint8Array.fromHex(hex)));
  for (const [key, message, signature] of examples) assert(isSignature(key, message, signature));
});
