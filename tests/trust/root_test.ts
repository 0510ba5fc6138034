import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { parseRoot, type Root, RootTrust, type Statement } from "../../mod/trust/mod.ts";
import { bytesOf, statementOf, type TestKey, testKey } from "./_keys.ts";

const KEYS = [1, 2, 3, 4, 5].map(testKey);
const [ANNA, BERTA, CARLA, DORA, EMMA] = KEYS;
const NAMES = ["anna", "berta", "carla", "dora", "emma"];

interface RootPlan {
  readonly threshold?: number;
  readonly keys?: readonly TestKey[];
  readonly revoked?: readonly TestKey[];
}

/** The text of a root. */
function rootText(
  version: number,
  { threshold = 1, keys = [ANNA], revoked = [] }: RootPlan,
): string {
  return JSON.stringify({
    version,
    threshold,
    keys: keys.map((key) => ({ name: NAMES[KEYS.indexOf(key)], key: key.word })),
    revoked: revoked.map(({ word }) => word),
  });
}

/** What signs it, besides. */
function signed(text: string, ...keys: readonly TestKey[]): Statement {
  return statementOf(text, ...keys.map((key) => key.sign(bytesOf(text))));
}

function trustOf(plan: RootPlan): { trust: RootTrust; kept: Root[] } {
  const kept: Root[] = [];
  const trust = new RootTrust(parseRoot(bytesOf(rootText(1, plan))), (_, root) => {
    kept.push(root);
    return Promise.resolve();
  });
  return { trust, kept };
}

Deno.test("a root takes over where enough keys of both have signed it", async () => {
  const before = { threshold: 2, keys: [ANNA, BERTA, CARLA] };
  const after = { threshold: 2, keys: [CARLA, DORA, EMMA] };
  const text = rootText(2, after);
  const cases: [signers: TestKey[], takesOver: boolean][] = [
    [[], false],
    [[ANNA], false],
    [[ANNA, BERTA], false],
    [[DORA, EMMA], false],
    [[ANNA, DORA, EMMA], false],
    [[ANNA, BERTA, DORA], false],
    [[ANNA, BERTA, DORA, EMMA], true],
    // who is in both roots counts for both
    [[ANNA, CARLA, DORA], true],
    [[ANNA, CARLA], false],
  ];
  for (const [signers, takesOver] of cases) {
    const { trust, kept } = trustOf(before);
    const extending = trust.extend(signed(text, ...signers));
    if (takesOver) await extending;
    else assertEquals((await assertRejects(() => extending, UpdateError)).code, "verification");
    assertEquals([trust.next, kept.length], takesOver ? [3, 1] : [2, 0]);
    const latest = signed("{}", ...takesOver ? [DORA, EMMA] : [ANNA, BERTA]);
    await trust.judge(latest);
    const other = signed("{}", ...takesOver ? [ANNA, BERTA] : [DORA, EMMA]);
    await assertRejects(() => trust.judge(other), UpdateError);
  }
});

Deno.test("a chain of roots is followed step by step, and never back", async () => {
  const { trust, kept } = trustOf({ keys: [ANNA] });
  const chain = KEYS.slice(1).map((key, at) => {
    const text = rootText(at + 2, { keys: [key] });
    return signed(text, KEYS[at], key);
  });
  await assertRejects(() => trust.extend(chain[1]), UpdateError);
  for (const [at, root] of chain.entries()) {
    assertEquals(trust.next, at + 2);
    await trust.extend(root);
    await assertRejects(() => trust.extend(root), UpdateError, undefined, "twice");
  }
  assertEquals(kept.map(({ version }) => version), [2, 3, 4, 5]);
  await trust.judge(signed("{}", EMMA));
  await assertRejects(() => trust.judge(signed("{}", ANNA)), UpdateError);
});

Deno.test("versions go up by one, whoever signs", async () => {
  for (const version of [1, 3, 100]) {
    const { trust } = trustOf({ keys: [ANNA] });
    const error = await assertRejects(
      () => trust.extend(signed(rootText(version, {}), ANNA)),
      UpdateError,
    );
    assertMatch(error.found, /^version \d+, where 2 was wanted$/);
  }
});

Deno.test("a key that was revoked never counts again", async () => {
  const { trust } = trustOf({ keys: [ANNA, BERTA] });
  await trust.extend(signed(rootText(2, { keys: [BERTA], revoked: [ANNA] }), BERTA));
  await assertRejects(() => trust.judge(signed("{}", ANNA)), UpdateError);
  const back = rootText(3, { keys: [BERTA, ANNA] });
  const error = await assertRejects(() => trust.extend(signed(back, BERTA)), UpdateError);
  assertMatch(error.found, /^key \S+, which was revoked, is so no more$/);
  const both = rootText(3, { keys: [BERTA, ANNA], revoked: [ANNA] });
  const twice = await assertRejects(() => trust.extend(signed(both, BERTA)), UpdateError);
  assertMatch(twice.found, /is there twice$/);
  await trust.extend(signed(rootText(3, { keys: [CARLA], revoked: [ANNA, BERTA] }), BERTA, CARLA));
});

Deno.test("a root that cannot be kept does not take over", async () => {
  const full = () => Promise.reject(new Error("no space left on device"));
  const trust = new RootTrust(parseRoot(bytesOf(rootText(1, {}))), full);
  await assertRejects(
    () => trust.extend(signed(rootText(2, { keys: [BERTA] }), ANNA, BERTA)),
    Error,
  );
  assertEquals(trust.next, 2);
  await trust.judge(signed("{}", ANNA));
});

Deno.test("release metadata are no root, and a root is no release", async () => {
  const { trust } = trustOf({ keys: [ANNA] });
  const latest = '{"version":"2","image_url":"x","image_sha256":"00"}';
  await assertRejects(() => trust.extend(signed(latest, ANNA)), UpdateError);
  assertEquals(trust.next, 2);
});

Deno.test("a trust.json that is none is refused, and says why", () => {
  const key = { name: "anna", key: ANNA.word };
  const good = { version: 1, threshold: 1, keys: [key] };
  parseRoot(bytesOf(JSON.stringify(good)));
  const changed = (changes: Record<string, unknown>) => JSON.stringify({ ...good, ...changes });
  const named = (name: unknown) => changed({ keys: [{ ...key, name }] });
  const cases: [text: string | Uint8Array, says: string][] = [
    ["", "no JSON"],
    [new Uint8Array([0xff, 0xfe]), "no JSON"],
    [`\ufeff${JSON.stringify(good)}`, "no JSON"],
    ["[]", "it is no JSON object"],
    ["null", "it is no JSON object"],
    ["{}", "keys: a list of at most 32 was wanted"],
    [changed({ version: 0 }), "version: a whole number from 1"],
    [changed({ version: 1.5 }), "version: a whole number from 1"],
    [changed({ version: "1" }), "version: a whole number from 1"],
    [changed({ version: 2 ** 60 }), "version: a whole number from 1"],
    [changed({ threshold: 0 }), "threshold: a whole number from 1 to 1"],
    [changed({ threshold: 2 }), "threshold: a whole number from 1 to 1"],
    [changed({ threshold: true }), "threshold: a whole number"],
    [changed({ keys: [] }), "threshold: a whole number from 1 to 0"],
    [changed({ keys: {} }), "keys: a list"],
    [changed({ keys: Array(33).fill(key) }), "keys: a list of at most 32"],
    [changed({ keys: [ANNA.word] }), "a key is no JSON object"],
    [changed({ keys: [{ ...key, role: "root" }] }), 'the unknown member "role"'],
    [changed({ keys: [key, key], threshold: 2 }), "is there twice"],
    [
      changed({ keys: [key, { name: "b", key: ANNA.publicKey.bytes.toHex() }], threshold: 2 }),
      "is there twice",
    ],
    [changed({ keys: [key, { name: "Anna", key: BERTA.word }] }), "two keys of one name"],
    [changed({ revoked: [ANNA.word] }), "is there twice"],
    [changed({ revoked: ["x"] }), "key revoked: no Ed25519 key"],
    [changed({ expires: "never" }), 'the unknown member "expires"'],
    [changed({ "thr\u0435shold": 1 }), 'the unknown member "thr\\u0435shold"'],
    [named("\u0430nna"), 'the name "\\u0430nna": up to 32 letters'],
    [named("anna\u200b"), 'the name "anna\\u200b"'],
    [named(""), 'the name ""'],
    [named(7), "the name 7"],
    [named("a".repeat(33)), "up to 32 letters"],
    [named("an na"), 'the name "an na"'],
    [changed({ keys: [{ ...key, key: "00".repeat(32) }] }), "key anna: a point of small order"],
    [changed({ keys: [{ ...key, key: `${ANNA.word} ` }] }), "key anna: no Ed25519 key"],
    [JSON.stringify(good).replace("{", '{"version":1,'), 'the member "version" twice'],
    [JSON.stringify(good).replace("{", '{"\\u0076ersion":1,'), 'the member "version" twice'],
    [
      JSON.stringify(good).replace('"key":', `"key":"${BERTA.word}","key":`),
      'the member "key" twice',
    ],
  ];
  for (const [text, says] of cases) assertThrows(() => parseRoot(bytesOf(text)), Error, says);
  console.log(`${cases.length} texts that are no trust.json`);
});
