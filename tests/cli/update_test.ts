import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestNode } from "./_test_node.ts";

/** A health check that says no, and soon. */
const SICK = ["healthcheck", "--deadline", "1", "--healthcheck-url"] as const;

Deno.test("the compiled agent takes a good release and confirms it", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "1.0.0" });
  const same = await node.ask("check");
  assertEquals(same.code, 0, same.stderr);
  assertStringIncludes(same.stdout, "up to date: 1.0.0 runs");

  await node.publish({ version: "2.0.0" });
  const there = await node.ask("check", "--json");
  assertEquals(there.code, 10, there.stderr);
  assertEquals(JSON.parse(there.stdout).version, "2.0.0");
  assertEquals(JSON.parse(there.stdout).size, 2_300_000);

  const applied = await node.ask("apply");
  assertEquals(applied.code, 0, applied.stderr);
  assertStringIncludes(applied.stdout, "2.0.0 is staged in slot B");
  assertStringIncludes(applied.stderr, "checking → downloading 2.0.0");
  assertEquals(await node.slot("B"), "2.0.0");
  assertEquals(await node.slot("A"), "1.0.0");
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"], "apply does not touch GRUB's choice");

  const again = await node.ask("apply");
  assertStringIncludes(again.stdout, "2.0.0 is staged in slot B already");
  assertEquals(node.requests.filter((line) => line.includes("vmlinuz-2.0.0")).length, 1);

  const activated = await node.update("activate");
  assertEquals(activated.code, 0, activated.stderr);
  assertEquals(await node.grubenv(), ["B/3/0", "B/3/0"]);

  await node.boots("B", "trial");
  await node.setGrubenv("B", 2, 0);
  const healthy = await node.update("healthcheck");
  assertEquals(healthy.code, 0, healthy.stderr);
  assertEquals(await node.grubenv(), ["B/3/1", "B/3/1"]);

  const status = await node.update("status", "--json");
  const { running, slots, state } = JSON.parse(status.stdout);
  assertEquals([running, slots.A.version, slots.B.version], ["B", "1.0.0", "2.0.0"]);
  assertEquals(state.phase, "success");
  assertEquals(state.ledger[0].outcome, "success");
  assertEquals(await node.mounts(), [], "nothing stays mounted");
});

Deno.test("the compiled agent survives a bad release and never takes it again", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "3.0.0" });
  assertEquals((await node.ask("apply")).code, 0);
  assertEquals((await node.update("activate")).code, 0);
  for (const counter of [2, 1, 0]) {
    await node.boots("B", "trial");
    await node.setGrubenv("B", counter, 0);
    const sick = await node.update(...SICK, `${node.url}/healthz`);
    assertEquals(sick.code, 60, sick.stderr);
    assertStringIncludes(sick.stderr, "probe: http://127.0.0.1");
    assertStringIncludes(sick.stderr, `before it goes back: ${counter}`);
    assertEquals((await node.state()).phase, "failed");
  }
  await node.boots("A", "rollback");
  await node.setGrubenv("A", 3, 1);
  const well = await node.update("healthcheck");
  assertEquals(well.code, 0, well.stderr);
  assertMatch(well.stderr, /3\.0\.0 rolled back after 3 boots: .*answered 404/);
  const state = await node.state();
  assertEquals(state.phase, "rolled_back");
  assertEquals(state.ledger[0].attempts, 3);

  const refused = await node.ask("apply");
  assertEquals(refused.code, 20);
  assertMatch(refused.stderr, /gate ledger for 3\.0\.0: wanted .*, found 3\.0\.0 rolled back at/);
  assertEquals((await node.state()).phase, "rolled_back", "a refusal changes no phase");
  assertEquals((await node.state()).last_refusal?.gate, "ledger");
  assertEquals((await node.ask("apply", "--force")).code, 0);
});

Deno.test("the agent gives a bad release up itself after so many health checks", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "3.0.0" });
  assertEquals((await node.ask("apply")).code, 0);
  assertEquals((await node.update("activate")).code, 0);
  await node.put("/etc/kubesolo/update.conf", "auto_rollback_after=2\n");
  await node.boots("B", "trial");
  await node.setGrubenv("B", 2, 0);
  const sick = await node.update(...SICK, `${node.url}/healthz`);
  assertEquals([sick.code, (await node.state()).candidate?.failed_checks], [60, 1], sick.stderr);
  assertEquals(await node.grubenv(), ["B/2/0", "B/2/0"]);

  await node.boots("B", "trial");
  await node.setGrubenv("B", 1, 0);
  await node.disk.mounted("KSOLOA", (slot) => Deno.rename(`${slot}/vmlinuz`, `${slot}/gone`));
  const stuck = await node.update(...SICK, `${node.url}/healthz`);
  assertEquals(stuck.code, 60, stuck.stderr);
  assertStringIncludes(stuck.stderr, "it is to be given up, but: rolling back to slot A");
  assertEquals(await node.grubenv(), ["B/1/0", "B/1/0"], "nothing to go back to");

  await node.disk.mounted("KSOLOA", (slot) => Deno.rename(`${slot}/gone`, `${slot}/vmlinuz`));
  const given = await node.update(...SICK, `${node.url}/healthz`, "--json");
  assertEquals(given.code, 60, given.stderr);
  const { rolled_back: back, confirmed } = JSON.parse(given.stdout);
  assertEquals([back.slot, back.version, confirmed], ["A", "1.0.0", false]);
  assertMatch(back.reason, /^unhealthy 3 times: probe: .*answered 404/);
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);
  const { phase, ledger, candidate } = await node.state();
  assertEquals([phase, ledger.at(-1)?.outcome, candidate], [
    "rolled_back",
    "rolled_back",
    undefined,
  ]);
  assertEquals(ledger.at(-1)?.reason, back.reason);

  const again = await node.update(...SICK, `${node.url}/healthz`);
  assertEquals(again.code, 60);
  assertStringIncludes(again.stderr, "reboot: GRUB boots slot A next");
  assertEquals((await node.ask("apply")).code, 20, "and it is not taken again");
});

Deno.test("rollback goes back to the other slot, and only if it is complete", async () => {
  await using node = await TestNode.create();
  await node.disk.mounted("KSOLOB", async (directory) => {
    await Deno.writeTextFile(`${directory}/vmlinuz`, "damaged");
  });
  const damaged = await node.update("rollback");
  assertEquals(damaged.code, 30, damaged.stderr);
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);

  await node.fill("B", "1.0.0");
  const back = await node.update("rollback", "--json");
  assertEquals(back.code, 0, back.stderr);
  assertEquals(JSON.parse(back.stdout), { slot: "B", version: "1.0.0", reboot: true });
  assertEquals(await node.grubenv(), ["B/3/1", "B/3/1"]);
});

Deno.test("rollback takes back an activation that was not booted yet", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  await node.ask("apply");
  await node.update("activate");
  const back = await node.update("rollback");
  assertEquals(back.code, 0, back.stderr);
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);
  assert((await node.state()).ledger.length === 0, "it was never tried");
});

Deno.test("a boot chosen by hand confirms nothing and writes nothing", async () => {
  await using node = await TestNode.create();
  await node.setGrubenv("A", 2, 0);
  await node.boots("B", "manual");
  assertEquals((await node.update("healthcheck")).code, 0);
  assertEquals(await node.grubenv(), ["A/2/0", "A/2/0"]);
  await node.publish({ version: "2.0.0" });
  const refused = await node.ask("apply");
  assertEquals(refused.code, 20);
  assertStringIncludes(refused.stderr, "gate confirmed");
});
