import { assertEquals, assertThrows } from "@std/assert";
import { MAX_KEYS, parsePublicKeys, PrivateKey, publicKeyPem } from "../../mod/trust/mod.ts";
import { runText } from "../../tasks/run.ts";
import { testKey } from "./_keys.ts";

const { publicKey, word } = testKey(1);
const PEM = publicKeyPem(publicKey);

Deno.test("a key is read in PEM, base64 and hexadecimal, and several of a kind", () => {
  const hex = publicKey.bytes.toHex();
  for (const text of [PEM, `\n${PEM}\n`, word, `${word}\n`, hex, hex.toUpperCase()]) {
    assertEquals(parsePublicKeys(text), [publicKey]);
  }
  const other = testKey(2);
  const both = [publicKey, other.publicKey];
  assertEquals(parsePublicKeys(PEM + publicKeyPem(other.publicKey)), both);
  assertEquals(parsePublicKeys(`${word}\n${other.publicKey.bytes.toHex()}\n`), both);
});

Deno.test("what is no public key is refused, and says why", async () => {
  const openssl = (...args: string[]) => runText("openssl", args);
  const p256 = await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout");
  const cases: [text: string, says: string][] = [
    ["", "no public key in it"],
    ["rubbish", "no Ed25519 key in base64 or hexadecimal"],
    [`${word.slice(0, 20)} ${word.slice(20)}`, "no Ed25519 key in base64"],
    [word.replace("=", ""), "no Ed25519 key in base64"],
    [publicKey.bytes.toHex().slice(2), "no Ed25519 key in base64 or hexadecimal"],
    [publicKey.bytes.slice(1).toBase64(), "no Ed25519 key in base64"],
    [`${word}\nrubbish`, "no Ed25519 key in base64"],
    [`${word}\n${word}`, "is there twice"],
    [PEM + PEM, "is there twice"],
    [`${PEM}rubbish`, "something besides keys in PEM"],
    [PEM.slice(0, 80), "something besides keys in PEM"],
    [PEM.replace("MCow", "MCox"), "another algorithm than Ed25519"],
    [PEM.replace("=", ""), "another algorithm than Ed25519"],
    [await openssl("genpkey", "-algorithm", "x25519"), "a PRIVATE KEY, where a PUBLIC KEY was"],
    [PrivateKey.generate().format(), "a PRIVATE KEY, where a PUBLIC KEY was wanted"],
    [p256, "a EC PRIVATE KEY, where a PUBLIC KEY was wanted"],
    [PEM.replace(/\n.*\n/, "\nMCowBQYDK2VwAyEA" + "A".repeat(43) + "=\n"), "of small order"],
    [new Uint8Array(42).toBase64(), "another algorithm than Ed25519"],
    ["00".repeat(32), "a point of small order"],
    ["ee" + "ff".repeat(30) + "7f", "written in a second way"],
    ["02" + "00".repeat(31), "no point of the curve"],
  ];
  for (const [text, says] of cases) assertThrows(() => parsePublicKeys(text), Error, says);
  const many = Array.from({ length: MAX_KEYS + 1 }, (_, seed) => testKey(seed).word).join("\n");
  assertThrows(() => parsePublicKeys(many), Error, `more than ${MAX_KEYS} keys`);
  console.log(`${cases.length + 1} texts that are no public key`);
});

Deno.test("what is no private key is refused, and never shown", () => {
  const good = PrivateKey.generate().format();
  const secret = good.split("\n")[1];
  const cases: [text: string, says: string][] = [
    ["", "no private key in PEM"],
    [PEM, "a PUBLIC KEY, where a PRIVATE KEY was wanted"],
    [good.replace(secret, secret.slice(4)), "no key that can be read"],
    [good + good, "no private key in PEM"],
    [`untrusted comment: x\n${secret}`, "no private key in PEM, nor one of minisign's"],
  ];
  for (const [text, says] of cases) {
    const { message } = assertThrows(() => PrivateKey.parse(text), Error, says);
    assertEquals(message.includes(secret.slice(20)), false);
  }
  const key = PrivateKey.generate();
  assertEquals(Deno.inspect(key, { depth: 9 }).includes("seed"), false);
  assertEquals(JSON.stringify(key).includes("publicKey"), true);
});
