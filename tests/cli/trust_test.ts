import { assertEquals, assertMatch } from "@std/assert";
import { testKey } from "../trust/_keys.ts";
import { assertEnding, assertRecovers } from "./_aftermath.ts";
import { TestNode } from "./_test_node.ts";

const [OURS, OTHER] = [1, 2].map(testKey);
const CONF = "/etc/kubesolo/update.conf";
const ROOT = "/etc/kubesolo/trust.json";

/** Signs what the server has as latest.json, or something else. */
async function sign(node: TestNode, key = OURS, what = "latest.json"): Promise<void> {
  const bytes = await Deno.readFile(`${node.www}/${what}`);
  await Deno.writeFile(`${node.www}/latest.json.sig`, key.sign(bytes));
}

Deno.test("a node with a key takes nothing that is not signed with it", async (t) => {
  await using node = await TestNode.create();
  await node.put(CONF, `pubkey=${OURS.word}\n`);
  await node.publish({ version: "2.0.0" });

  const refused: [name: string, damage: () => Promise<unknown>, says: RegExp][] = [
    ["no signature", () => Promise.resolve(), /found none at .*\.sig \(404\), .*\.minisig \(404\)/],
    ["one of another key", () => sign(node, OTHER), /one of another key, or over other bytes/],
    ["one of another file", () => sign(node, OURS, "vmlinuz-2.0.0"), /or over other bytes/],
    [
      "other metadata than were signed",
      async () => {
        await sign(node);
        await node.publish({ version: "2.0.1" });
      },
      /or over other bytes/,
    ],
  ];
  for (const [name, damage, says] of refused) {
    await t.step(`${name}: exit 30, and no payload is asked for`, async () => {
      await damage();
      for (const flags of [[], ["--force"]]) {
        node.requests.length = 0;
        const ran = await node.ask("apply", ...flags);
        await assertEnding(node, ran, { exit: 30, says, passive: "1.0.0", phase: "failed" });
        const payload = node.requests.filter((line) => !line.startsWith("GET /latest.json"));
        assertEquals(payload, []);
      }
      assertEquals((await node.ask("check", "--explain")).code, 30);
    });
  }

  await t.step("what is signed is shown and taken", async () => {
    await node.publish({ version: "2.0.0" });
    await sign(node);
    const { stdout } = await node.ask("check", "--explain");
    const { id } = OURS.publicKey;
    assertMatch(stdout, new RegExp(`^signature +passed +a signature of key ${id} +${id}$`, "m"));
    const ran = await node.ask("apply");
    assertEquals(ran.code, 0, ran.stderr);
    assertEquals(await node.slot("B"), "2.0.0");
  });

  await t.step(
    "a key that cannot be used stops everything, rather than being ignored",
    async () => {
      for (
        const [pubkey, says] of [
          [
            "/etc/kubesolo/absent.pub",
            /pubkey in .*update.conf:1: \/etc\/kubesolo\/absent.pub: No such/,
          ],
          ["/etc/passwd", /lies outside of what this program may read/],
          [`${OURS.word},${OURS.word}`, /key \S+ is there twice/],
          [`${OURS.word},`, /no public key in it/],
          ["01" + "00".repeat(31), /a point of small order, for which anybody can sign/],
        ] as const
      ) {
        await node.put(CONF, `pubkey=${pubkey}\n`);
        const ran = await node.ask("apply");
        assertEquals(ran.code, 2, ran.stderr);
        assertMatch(ran.stderr, says);
      }
    },
  );

  const root = (version: number, keys: readonly number[], more = {}) =>
    JSON.stringify({
      version,
      threshold: 1,
      keys: keys.map((seed) => ({ name: `key-${seed}`, key: testKey(seed).word })),
      ...more,
    });
  const publishRoot = async (version: number, text: string, ...signers: readonly number[]) => {
    await Deno.mkdir(`${node.www}/trust`, { recursive: true });
    await Deno.writeTextFile(`${node.www}/trust/${version}.json`, text);
    const bytes = new TextEncoder().encode(text);
    const lines = signers.map((seed) => `${testKey(seed).sign(bytes).toBase64()}\n`);
    await Deno.writeTextFile(`${node.www}/trust/${version}.json.sig`, lines.join(""));
  };
  const kept = () => node.sandbox.sh("cat /var/lib/kubesolo/update/trust.json");

  await t.step("keys and a root of trust at once are a contradiction", async () => {
    await node.put(ROOT, root(1, [1]));
    const ran = await node.ask("check", "--pubkey", OURS.word);
    assertEquals(ran.code, 2, ran.stderr);
    assertMatch(
      ran.stderr,
      /reading --pubkey: keys, and \/etc\/kubesolo\/trust.json as well; keep one/,
    );
  });

  await t.step("roots take over one after the other, and check keeps none of them", async () => {
    await node.put(CONF, "");
    await publishRoot(2, root(2, [1, 2]), 1);
    await publishRoot(3, root(3, [2], { revoked: [OURS.word] }), 2);
    await node.publish({ version: "2.0.1" });
    await sign(node, OTHER);
    const checked = await node.ask("check");
    assertEquals(checked.code, 10, checked.stderr);
    assertMatch(checked.stderr, /root of trust 3 takes over: 1 of key-2/);
    assertEquals(await kept().catch(() => "none"), "none");
    assertEquals((await node.ask("apply")).code, 0);
    assertEquals(await kept(), root(3, [2], { revoked: [OURS.word] }));
    assertEquals(await node.slot("B"), "2.0.1");
  });

  await t.step("a revoked key is refused from then on, also where the server forgets", async () => {
    await Deno.remove(`${node.www}/trust`, { recursive: true });
    await node.publish({ version: "2.0.2" });
    await sign(node, OURS);
    for (const flags of [[], ["--force"]]) {
      const ran = await node.ask("apply", ...flags);
      assertEquals(ran.code, 30, ran.stderr);
      assertMatch(ran.stderr, /wanted a signature of key key-2 \(\S+\), found one of another key/);
    }
    await publishRoot(4, root(4, [1], { revoked: [] }), 1);
    assertEquals((await node.ask("apply")).code, 30, "nor can it bring itself back");
    await node.sandbox.sh(`rm ${ROOT}`);
    assertEquals((await node.ask("apply")).code, 30, "what is kept needs no root to begin with");
    assertEquals(await node.slot("B"), "2.0.1");
    await Deno.remove(`${node.www}/trust`, { recursive: true });
  });

  await t.step("nor does a root count that is older than one in a slot", async () => {
    const [update, aside] = ["/var/lib/kubesolo/update", "/var/lib/kubesolo/aside"];
    await node.sandbox.sh(`mv ${update} ${aside}`);
    await node.put(ROOT, root(1, [1]));
    for (const command of ["check", "apply"] as const) {
      const ran = await node.ask(command);
      assertEquals(ran.code, 30, ran.stderr);
      assertMatch(
        ran.stderr,
        /the root of trust: version 1, where this node has had version 3; have the roots after/,
      );
    }
    await node.sandbox.sh(`rm -r ${update} ${ROOT}; mv ${aside} ${update}`);
  });

  await t.step("the operator's root counts where it is newer than what is kept", async () => {
    await sign(node, OURS);
    await node.put(ROOT, root(3, [1]));
    assertEquals((await node.ask("check")).code, 30);
    await node.put(ROOT, root(5, [1]));
    assertEquals((await node.ask("check")).code, 10);
  });

  await t.step("what was staged is not activated once its key is believed no more", async () => {
    const refused = await node.update("activate");
    const says = /activating 2.0.1: wanted .* key-1 \(\S+\), found those of key-2 \(\S+\) when/;
    await assertEnding(node, refused, { exit: 30, says, passive: "2.0.1", phase: "staged" });
    await node.put(ROOT, root(5, [2]));
    assertEquals((await node.update("activate")).code, 0);
    await node.put(ROOT, root(5, [1]));
  });

  await t.step("roots that cannot be read stop everything", async () => {
    await node.put(ROOT, "{}");
    const wrong = await node.ask("apply");
    assertEquals(wrong.code, 2);
    assertMatch(wrong.stderr, /reading \/etc\/kubesolo\/trust.json: keys: a list of at most 32/);
    await node.sandbox.sh(`rm ${ROOT}; echo rubbish > /var/lib/kubesolo/update/trust.json`);
    const garbled = await node.ask("apply");
    assertEquals(garbled.code, 50);
    assertMatch(
      garbled.stderr,
      /reading \/var\/lib\/kubesolo\/update\/trust.json: no JSON; remove it/,
    );
    await node.sandbox.sh("rm /var/lib/kubesolo/update/trust.json");
  });

  await t.step("without a key nothing is asked for", async () => {
    await node.put(CONF, "pubkey=\n");
    node.requests.length = 0;
    await assertRecovers(node, "2.0.3");
    assertEquals(node.requests.filter((line) => /sig$/.test(line)), []);
  });
});
