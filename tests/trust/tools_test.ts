import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  isSignedBy,
  parsePublicKeys,
  parseSignatures,
  PassphraseNeeded,
  PrivateKey,
  publicKeyMinisign,
  publicKeyPem,
  signFile,
} from "../../mod/trust/mod.ts";
import { runText } from "../../tasks/run.ts";

const LATEST = '{"version":"2.0.0"}\n';
const BYTES = new TextEncoder().encode(LATEST);

/** A directory in which latest.json lies, and what runs there. */
async function workshop() {
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(`${cwd}/latest.json`, LATEST);
  return {
    run: (...line: string[]) => runText(line[0], line.slice(1), { cwd }),
    read: (name: string) => Deno.readTextFile(`${cwd}/${name}`),
    bytes: (name: string) => Deno.readFile(`${cwd}/${name}`),
    put: (name: string, content: string | Uint8Array) =>
      Deno.writeFile(
        `${cwd}/${name}`,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      ),
    [Symbol.asyncDispose]: () => Deno.remove(cwd, { recursive: true }),
  };
}

Deno.test("what openssl signs is taken, and openssl takes what is signed here", async () => {
  await using shop = await workshop();
  await shop.run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "key");
  await shop.run("openssl", "pkey", "-in", "key", "-pubout", "-out", "pub");
  const [publicKey] = parsePublicKeys(await shop.read("pub"));
  const sign = ["pkeyutl", "-sign", "-rawin", "-in", "latest.json", "-inkey", "key", "-out", "sig"];
  await shop.run("openssl", ...sign);
  const raw = await shop.bytes("sig");
  assertEquals(raw.length, 64);
  await shop.run("sh", "-c", "base64 -w0 sig > sig64; echo >> sig64");
  for (const file of ["sig", "sig64"]) {
    const [signature] = parseSignatures(await shop.bytes(file));
    assert(isSignedBy(publicKey, BYTES, signature), file);
  }

  const key = PrivateKey.parse(await shop.read("key"));
  assertEquals(key.publicKey, publicKey);
  assertEquals(publicKeyPem(publicKey), await shop.read("pub"));
  assertEquals(key.format(), await shop.read("key"));
  const own = PrivateKey.generate();
  await shop.put("own.pub", publicKeyPem(own.publicKey));
  await shop.put("own.sig", signFile(own, BYTES, "raw"));
  const verify = ["pkeyutl", "-verify", "-rawin", "-in", "latest.json", "-sigfile", "own.sig"];
  assertMatch(
    await shop.run("openssl", ...verify, "-pubin", "-inkey", "own.pub"),
    /Signature Verified Successfully/,
  );
});

Deno.test("keys with a passphrase are openssl's, both ways", async () => {
  await using shop = await workshop();
  const own = PrivateKey.generate();
  await shop.put("own", own.format("correct horse"));
  assertEquals(
    await shop.run("openssl", "pkey", "-in", "own", "-passin", "pass:correct horse", "-pubout"),
    publicKeyPem(own.publicKey),
  );
  await shop.run(
    ...["openssl", "genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", "pass:battery"],
    ...["-out", "key"],
  );
  const text = await shop.read("key");
  const key = PrivateKey.parse(text, "battery");
  assertEquals(
    publicKeyPem(key.publicKey),
    await shop.run("openssl", "pkey", "-in", "key", "-passin", "pass:battery", "-pubout"),
  );
  assertThrows(() => PrivateKey.parse(text), PassphraseNeeded);
  assertThrows(() => PrivateKey.parse(text, "staple"), Error, "another passphrase");
});

Deno.test("a public key is written as minisign does, also where its id begins with zeros", () => {
  // one that `minisign -G` made
  const file =
    "untrusted comment: minisign public key 27F464B492B70A7\nRWSncCtJS0Z/AoUHbDrwFFXuTjQSPSHOnhjIYzuB9P3VBARl3aPH4LX8\n";
  const [key] = parsePublicKeys(file);
  assertEquals(publicKeyMinisign(key), file);
});

Deno.test("what minisign signs is taken, legacy and prehashed, and minisign takes ours", async () => {
  await using shop = await workshop();
  await shop.run("minisign", "-G", "-W", "-p", "pub", "-s", "key");
  const [publicKey] = parsePublicKeys(await shop.read("pub"));
  const word = (await shop.read("pub")).split("\n")[1];
  assertEquals(parsePublicKeys(word), [publicKey]);
  assertMatch(
    await shop.read("pub"),
    new RegExp(`public key ${publicKey.id.replace(/^0+/, "")}\n`),
  );
  for (const flag of ["-S", "-Sl"]) {
    const sign = ["minisign", flag, "-m", "latest.json", "-s", "key", "-x", "sig", "-t", "tröst"];
    await shop.run(...sign);
    const file = await shop.read("sig");
    const [signature] = parseSignatures(await shop.bytes("sig"));
    assertEquals(signature.minisign?.prehashed, flag === "-S");
    assertEquals(signature.minisign?.keyId, publicKey.id);
    const good = (text: string) => {
      const [one] = parseSignatures(new TextEncoder().encode(text));
      return isSignedBy(publicKey, BYTES, one);
    };
    assert(good(file));
    assert(good(file.replaceAll("\n", "\r\n")), "as minisign on Windows writes it");
    assert(!good(file.replace("tröst", "trost")), "the trusted comment is signed");
    assert(good(file.replace(/^untrusted comment: .*/, "untrusted comment: x")), "this one is not");
    assert(!isSignedBy(publicKey, BYTES.with(0, 32), signature));
    assert(!isSignedBy({ ...publicKey, id: "0".repeat(16) }, BYTES, signature), "of another id");
    const lines = file.split("\n");
    const algorithm = Uint8Array.fromBase64(lines[1]);
    algorithm[1] ^= "d".charCodeAt(0) ^ "D".charCodeAt(0);
    assert(!good(file.replace(lines[1], algorithm.toBase64())), "the other algorithm");
    algorithm[1] = 0;
    assertThrows(
      () => good(file.replace(lines[1], algorithm.toBase64())),
      Error,
      "unknown algorithm",
    );
    for (let count = 1; count < 4; count++) {
      assertThrows(() => good(lines.slice(0, count).join("\n")), Error, "not complete");
    }
  }

  const theirs = PrivateKey.parse(await shop.read("key"));
  assertEquals(theirs.publicKey, publicKey);
  assertEquals(publicKeyMinisign(publicKey), await shop.read("pub"));
  for (const key of [theirs, PrivateKey.generate()]) {
    await shop.put("own.pub", publicKeyMinisign(key.publicKey));
    await shop.put("own.sig", signFile(key, BYTES, "minisign", "für später"));
    const verify = ["minisign", "-V", "-m", "latest.json", "-p", "own.pub", "-x", "own.sig"];
    assertMatch(await shop.run(...verify), /verified\nTrusted comment: für später/);
  }
});
