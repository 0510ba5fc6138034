import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  isEcdsaSignature,
  isStrictDer,
  KeyTrust,
  parsePublicKeys,
  publicKeyPem,
} from "../../mod/trust/mod.ts";
import { runText } from "../../tasks/run.ts";
import { statementOf, testKey } from "./_keys.ts";

/** A key pair of openssl, and a signature that it made. */
async function opensslKey(curve = "prime256v1") {
  const directory = await Deno.makeTempDir();
  const openssl = (...args: string[]) => runText("openssl", args, { cwd: directory });
  try {
    await openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", "key.pem");
    const pem = await openssl("ec", "-in", "key.pem", "-pubout");
    await Deno.writeTextFile(`${directory}/message`, "as cosign signs it");
    await openssl(...["dgst", "-sha256", "-sign", "key.pem", "-out", "signature", "message"]);
    return { pem, signature: await Deno.readFile(`${directory}/signature`) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const MESSAGE = new TextEncoder().encode("as cosign signs it");
const { pem, signature } = await opensslKey();
const [key] = parsePublicKeys(pem);

Deno.test("what openssl signs with a P-256 key counts, next to Ed25519", async () => {
  assertEquals(publicKeyPem(key).replaceAll("\n", ""), pem.replaceAll("\n", ""));
  assert(isEcdsaSignature(key.bytes, MESSAGE, signature));
  const ed25519 = testKey(1);
  const both = new KeyTrust([key, ed25519.publicKey], 2);
  const lines = `${signature.toBase64()}\n${ed25519.sign(MESSAGE).toBase64()}\n`;
  assertEquals((await both.judge(statementOf(MESSAGE, lines))).signedBy.length, 2);
  await assertRejects(() => both.judge(statementOf(MESSAGE, signature.toBase64())), Error, "alone");
  await assertRejects(() => both.judge(statementOf("other", lines)), Error, "over other bytes");
});

Deno.test("no bit of message, key or signature may be another", () => {
  const parts = [key.bytes, MESSAGE, signature];
  parts.forEach((part, which) => {
    for (let bit = 0; bit < part.length * 8; bit++) {
      const flipped = part.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      const [point, message, sig] = parts.with(which, flipped);
      assert(!isEcdsaSignature(point, message, sig), `bit ${bit} of part ${which}`);
    }
  });
});

Deno.test("numbers have one way to be written", () => {
  const sequence = (...content: number[]) => Uint8Array.of(0x30, content.length, ...content);
  const one = [0x02, 1, 1];
  assert(isStrictDer(sequence(...one, ...one)));
  assert(isStrictDer(sequence(...one, 0x02, 2, 0, 0x80)));
  const wrong = [
    sequence(...one),
    sequence(...one, ...one, ...one),
    sequence(...one, 0x02, 1, 0),
    sequence(...one, 0x02, 0),
    sequence(...one, 0x02, 1, 0x80),
    sequence(...one, 0x02, 2, 0, 0x7f),
    sequence(...one, 0x02, 2, 1),
    sequence(...one, 0x03, 1, 1),
    sequence(...one, 0x02, 34, ...Array(34).fill(1)),
    Uint8Array.of(...sequence(...one, ...one), 0),
    Uint8Array.of(0x30, 0x81, 6, ...one, ...one),
    Uint8Array.of(0x31, 6, ...one, ...one),
    Uint8Array.of(0x30),
    new Uint8Array(),
  ];
  for (const der of wrong) assert(!isStrictDer(der), der.toHex());
  // the same numbers, with a zero too many before the second one
  const at = 4 + signature[3];
  const padded = [...signature.subarray(0, at), 2, signature[at + 1] + 1, 0];
  const longer = Uint8Array.of(...padded, ...signature.subarray(at + 2));
  longer[1]++;
  for (const der of [longer, Uint8Array.of(...signature, 0)]) {
    assert(!isEcdsaSignature(key.bytes, MESSAGE, der), der.toHex());
  }
});

Deno.test("keys of other curves, and points beside this one, are none", async () => {
  const other = await opensslKey("secp384r1");
  assertThrows(() => parsePublicKeys(other.pem), Error, "another algorithm than Ed25519 and P-256");
  const beside = { id: key.id, bytes: key.bytes.slice() };
  beside.bytes[64] ^= 1;
  assertThrows(() => parsePublicKeys(publicKeyPem(beside)), Error, "no point of the curve P-256");
  beside.bytes[64] ^= 1;
  beside.bytes[0] = 0x06;
  assertThrows(() => parsePublicKeys(publicKeyPem(beside)), Error, "not written in full");
});
