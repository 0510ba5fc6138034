import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { MAX_SIGNATURE_FILE_BYTES, UpdateError } from "../../mod/core/mod.ts";
import { KeyTrust, MAX_SIGNATURES, type Statement } from "../../mod/trust/mod.ts";
import { bytesOf, statementOf, testKey } from "./_keys.ts";

const [ANNA, BERTA, CARLA, MALLORY] = [1, 2, 3, 9].map(testKey);
const LATEST = bytesOf('{"version":"2.0.0","image_url":"a"}');

function base64(bytes: Uint8Array): string {
  return bytes.toBase64();
}

async function refused(trust: KeyTrust, statement: Statement): Promise<string> {
  const error = await assertRejects(() => trust.judge(statement), UpdateError);
  assertEquals(error.code, "verification");
  return error.found;
}

Deno.test("no single flipped bit in metadata or signature is accepted", async () => {
  const trust = new KeyTrust([ANNA.publicKey]);
  const signature = ANNA.sign(LATEST);
  assertEquals((await trust.judge(statementOf(LATEST, signature))).signedBy, [ANNA.publicKey.id]);
  let count = 0;
  for (const target of [LATEST, signature]) {
    for (let bit = 0; bit < target.length * 8; bit++) {
      const flipped = target.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      const statement = target === LATEST
        ? statementOf(flipped, signature)
        : statementOf(LATEST, flipped);
      assertMatch(await refused(trust, statement), /one of another key, or over other bytes$/);
      count++;
    }
  }
  console.log(`${count} flipped bits, none accepted`);
});

Deno.test("a threshold counts keys, not signatures", async () => {
  const trust = new KeyTrust([ANNA, BERTA, CARLA].map(({ publicKey }) => publicKey), 2);
  const [anna, berta, carla, mallory] = [ANNA, BERTA, CARLA, MALLORY].map((key) =>
    key.sign(LATEST)
  );
  const enough: Uint8Array[][] = [[anna, berta], [carla, anna], [mallory, carla, berta, anna]];
  for (const files of enough) await trust.judge(statementOf(LATEST, ...files));
  await trust.judge(statementOf(LATEST, `${base64(anna)}\n${base64(carla)}\n`));
  const short: Uint8Array[][] = [[anna], [anna, anna, anna], [anna, mallory], [mallory], []];
  for (const files of short) await refused(trust, statementOf(LATEST, ...files));
  assertMatch(
    await refused(trust, statementOf(LATEST, anna, mallory)),
    /^wanted signatures of 2 of the keys \S+, \S+, \S+, found that of \S+ alone$/,
  );
});

Deno.test("an earlier judgement holds while enough of its keys are there, whatever they are called", async () => {
  const keys = [ANNA, BERTA, CARLA].map(({ publicKey }) => publicKey);
  const named = keys.map((key, at) => ({ ...key, name: `key-${at}` }));
  const files = [ANNA, BERTA].map((key) => key.sign(LATEST));
  for (const known of [keys, named]) {
    const { signedBy } = await new KeyTrust(known, 2).judge(statementOf(LATEST, ...files));
    for (const now of [keys, named]) {
      assert(new KeyTrust(now, 2).stillBelieves(signedBy));
      assert(!new KeyTrust(now, 3).stillBelieves(signedBy), "the threshold has risen");
      assert(!new KeyTrust(now.slice(1), 2).stillBelieves(signedBy), "one of them has gone");
      assert(new KeyTrust(now.slice(1)).stillBelieves(signedBy));
      assert(!new KeyTrust(now.slice(2)).stillBelieves(signedBy));
      assert(!new KeyTrust(now).stillBelieves([]));
    }
  }
});

Deno.test("a threshold that keys cannot reach, and a key that is there twice, are refused", () => {
  const keys = [ANNA.publicKey, BERTA.publicKey];
  for (const threshold of [0, -1, 3, 1.5, NaN, Infinity]) {
    assertThrows(() => new KeyTrust(keys, threshold), Error, "threshold");
  }
  assertThrows(() => new KeyTrust([]), Error, "threshold");
  assertThrows(() => new KeyTrust([ANNA.publicKey, ANNA.publicKey]), Error, "there twice");
  const disguised = { ...ANNA.publicKey, id: "0123456789ABCDEF" };
  assertThrows(() => new KeyTrust([ANNA.publicKey, disguised], 2), Error, "there twice");
  const pretending = { ...BERTA.publicKey, id: ANNA.publicKey.id };
  assertThrows(() => new KeyTrust([ANNA.publicKey, pretending], 2), Error, "there twice");
});

Deno.test("files that are no signatures say why, and spoil no others", async () => {
  const trust = new KeyTrust([ANNA.publicKey]);
  const good = ANNA.sign(LATEST);
  const text = base64(good);
  const other = ANNA.sign(bytesOf("another file"));
  const cases: [file: string | Uint8Array, says: RegExp][] = [
    ["", /cannot be read: an empty file$/],
    ["\n", /a line that is no signature in base64$/],
    [good.subarray(0, 63), /63 bytes that are no text; a raw signature has 64$/],
    [new Uint8Array([...good, ...good]), /128 bytes that are no text/],
    [new Uint8Array([...good, 10]), /65 bytes that are no text/],
    [text + text, /a line that is no signature in base64$/],
    [` ${text}`, /no signature in base64$/],
    [`${text} `, /no signature in base64$/],
    [`${text.slice(0, 40)} ${text.slice(40)}`, /no signature in base64$/],
    [text.replace(/==$/, ""), /no signature in base64$/],
    [text.slice(0, -4), /no signature in base64$/],
    // the last letter before the padding carries four bits of nothing: they must be zero
    [
      text.replace(/.==$/, (end) => ({ A: "B", Q: "R", g: "h", w: "x" })[end[0]] + "=="),
      /no signature in base64$/,
    ],
    [`\ufeff${text}`, /no signature in base64$/],
    [good.toHex(), /no signature in base64$/],
    [ANNA.word, /no signature in base64$/],
    ["untrusted comment: x\n", /a minisign signature that is not complete$/],
    [new Uint8Array(64), /one of another key, or over other bytes$/],
    [other, /one of another key, or over other bytes$/],
    [MALLORY.sign(LATEST), /one of another key, or over other bytes$/],
    [`${text}\nrubbish`, /no signature in base64$/],
    [new Uint8Array(10 << 20), /10485760 bytes, where at most 32768 are read$/],
    [`${base64(other)}\n`.repeat(10_000), /\d+ bytes, where at most 32768 are read$/],
    [`${base64(other)}\n`.repeat(MAX_SIGNATURES + 1), /more than 32 of them$/],
  ];
  const began = performance.now();
  for (const [file, says] of cases) {
    assertMatch(await refused(trust, statementOf(LATEST, file)), says);
    await trust.judge(statementOf(LATEST, file, good));
  }
  assertMatch(
    await refused(trust, statementOf(LATEST, ...Array(10_000).fill(good))),
    /^wanted .*, found more than 32 signatures$/,
  );
  const halves = Array(2).fill(`${base64(other)}\n`.repeat(MAX_SIGNATURES - 1));
  assertMatch(await refused(trust, statementOf(LATEST, ...halves)), /more than 32 signatures$/);
  const seconds = (performance.now() - began) / 1000;
  assert(seconds < 20, `bad signature files took ${seconds} s`);
  assertMatch(
    await refused(trust, statementOf(LATEST)),
    /^wanted a signature of key \S+, found none$/,
  );
  assert(MAX_SIGNATURE_FILE_BYTES > MAX_SIGNATURES * 400, "as many minisign signatures fit in");
  console.log(`${cases.length + 3} files that are no signatures`);
});

Deno.test("the most work that signatures can make is bounded", async () => {
  const keys = Array.from({ length: 32 }, (_, seed) => testKey(seed + 50).publicKey);
  const mallory = base64(MALLORY.sign(LATEST));
  const began = performance.now();
  await refused(new KeyTrust(keys), statementOf(LATEST, `${mallory}\n`.repeat(MAX_SIGNATURES)));
  const seconds = (performance.now() - began) / 1000;
  console.log(`${keys.length} keys, ${MAX_SIGNATURES} signatures: ${seconds.toFixed(2)} s`);
  assert(seconds < 20, `${seconds} s`);
});
