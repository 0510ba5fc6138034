import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertEnding, assertRecovers } from "./_aftermath.ts";
import { huge, on, status } from "./_bad_server.ts";
import { TestNode } from "./_test_node.ts";

Deno.test("a latest.json that is none is refused before anything is fetched", async () => {
  await using node = await TestNode.create();
  const cases: readonly [text: string, says: RegExp][] = [
    ["[1, 2]", /a JSON object was wanted, found a list; see that it is the address/],
    ["<!doctype html>", /a JSON object was wanted, found "<!doctype html>"/],
    ['{"version": "2.0.0"', /a JSON object was wanted, found "{"version": "2.0.0""/],
    ["", /a JSON object was wanted, found ""/],
    ["\x1b[2J\u202e", /a JSON object was wanted, found "\[2J"/],
  ];
  for (const [text, says] of cases) {
    await Deno.writeTextFile(`${node.www}/latest.json`, text);
    const ran = await node.ask("apply");
    await assertEnding(node, ran, { exit: 30, says, passive: "1.0.0", phase: "failed" });
    assertMatch((await node.state()).last_error ?? "", /^reading http:.*\/latest.json: /);
  }
  const members: readonly [changes: Record<string, unknown>, says: RegExp][] = [
    [{ version: null }, /version: a version was wanted, found nothing/],
    [{ vmlinuz_url: 7 }, /vmlinuz_url: an http or https URL was wanted, found the number 7/],
    [{ vmlinuz_url: "file:///etc/shadow" }, /vmlinuz_url: .* was wanted, found a file: URL/],
    [{ initramfs_sha256: "abc" }, /initramfs_sha256: a SHA-256 of 64 .* was wanted, found "abc"/],
    [{ initramfs_size: -1 }, /initramfs_size: a positive whole number .* found the number -1/],
  ];
  for (const [changes, says] of members) {
    await node.publish({ version: "2.0.0", changes });
    const ran = await node.ask("apply");
    await assertEnding(node, ran, { exit: 30, says, passive: "1.0.0", phase: "failed" });
  }
  assertEquals(new Set(node.requests), new Set(["GET /latest.json"]));
  await assertRecovers(node, "2.0.0");
});

Deno.test("a latest.json of 100 MB is not read to its end", async () => {
  await using node = await TestNode.create();
  const says = /reading .*latest.json: more than the 1048576 bytes that a latest.json may have/;
  let taken = 0;
  node.answer = on("latest.json", huge('{"release_notes": "', (bytes) => taken = bytes));
  await assertEnding(node, await node.ask("apply"), {
    exit: 30,
    says,
    passive: "1.0.0",
    phase: "failed",
  });
  assert(taken >= 1 << 20 && taken < 10e6, `${taken} bytes were taken`);

  node.answer = () => false;
  await Deno.writeFile(`${node.www}/latest.json`, new Uint8Array(100e6));
  const checked = await node.ask("check");
  await assertEnding(node, checked, { exit: 30, says, passive: "1.0.0", phase: "failed" });
});

Deno.test("a server without latest.json, or in trouble, is the source's failure", async () => {
  await using node = await TestNode.create();
  await assertEnding(node, await node.ask("apply"), {
    exit: 40,
    says: /fetching http.*latest.json: the server answered 404 Not Found; see that the server's/,
    passive: "1.0.0",
    phase: "failed",
  });
  node.answer = on("latest.json", status(500));
  await assertEnding(node, await node.ask("check"), {
    exit: 40,
    says: /latest.json: .*answered 500 Internal Server Error, 4 times in a row; check the network/,
    passive: "1.0.0",
    phase: "failed",
  });
  await assertRecovers(node, "2.0.0");
});

Deno.test("a release that is not for this node is refused, and the state says why", async () => {
  await using node = await TestNode.create();
  const cases: readonly [gate: string, version: string, changes: Record<string, unknown>][] = [
    ["channel", "2.0.0", { channel: "beta" }],
    ["architecture", "2.0.0", { architecture: "riscv64" }],
    ["min_compatible_version", "2.0.0", { min_compatible_version: "1.5.0" }],
    ["downgrade", "0.9.0", {}],
    ["room", "2.0.0", { initramfs_size: 40 << 20 }],
  ];
  for (const [gate, version, changes] of cases) {
    await node.publish({ version, changes });
    for (const options of [[], ["--force"]]) {
      await assertEnding(node, await node.ask("apply", ...options), {
        exit: 20,
        says: new RegExp(`^gate ${gate} for ${version}: wanted .+, found .+; .+`),
        passive: "1.0.0",
        phase: "idle",
        gate,
      });
    }
  }
  assertEquals(new Set(node.requests), new Set(["GET /latest.json"]));
  const asked = await node.ask("check");
  assertEquals([asked.code, asked.stderr], [20, ""]);
  assertMatch(asked.stdout, /^2.0.0 is there, but refused by gate room: wanted \d+ bytes, found/);
  const shown = await node.update("status");
  assertMatch(shown.stdout, /^refused +2.0.0 by gate room: wanted \d+ bytes, found \d+ bytes$/m);
  await assertRecovers(node, "2.0.0");
  assertEquals((await node.state()).last_refusal, undefined);

  await node.publish({ version: "3.0.0", changes: { channel: "beta" } });
  await assertEnding(node, await node.ask("apply"), {
    exit: 20,
    says: /^gate channel for 3.0.0: /,
    passive: "2.0.0",
    phase: "staged",
    gate: "channel",
  });
  assertEquals((await node.update("activate")).code, 0, "what was staged before stays staged");
});

Deno.test("a slot on trial is not overwritten by the next update", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  await node.setGrubenv("A", 2, 0);
  await node.boots("A", "trial");
  await assertEnding(node, await node.ask("apply", "--force"), {
    exit: 20,
    says: /^gate confirmed: wanted slot A, which runs, to be confirmed, found slot A still on/,
    passive: "1.0.0",
    phase: "idle",
    gate: "confirmed",
    grubenv: ["A/2/0", "A/2/0"],
  });
  assertEquals(node.requests, [], "no network before the gates that need none");
  assertEquals((await node.update("healthcheck")).code, 0);
  await assertRecovers(node, "2.0.0");
});
