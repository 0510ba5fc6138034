import { assertEquals, assertMatch } from "@std/assert";
import { testKey } from "../trust/_keys.ts";
import { assertEnding, assertRecovers } from "./_aftermath.ts";
import { TestNode } from "./_test_node.ts";

const [OURS, OTHER] = [1, 2].map(testKey);
const CONF = "/etc/kubesolo/update.conf";

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

  await t.step("without a key nothing is asked for", async () => {
    await node.put(CONF, "pubkey=\n");
    node.requests.length = 0;
    await assertRecovers(node, "2.0.1");
    assertEquals(node.requests.filter((line) => /sig$/.test(line)), []);
  });
});
