import { assertEquals, assertMatch } from "@std/assert";
import { assertRecovers } from "./_aftermath.ts";
import { STATE, TestNode } from "./_test_node.ts";

const DIRECTORY = STATE.slice(0, STATE.lastIndexOf("/"));

Deno.test("a garbled state is set aside and reported, and the work goes on", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  assertEquals((await node.ask("apply")).code, 0);
  const good = await node.sandbox.sh(`cat ${STATE}`);
  const cases: readonly [problem: RegExp, contents: string | Uint8Array][] = [
    [/not valid/, crypto.getRandomValues(new Uint8Array(4096)).fill(0xff, 0, 2)],
    [/JSON/, good.slice(0, good.length / 2)],
    [/JSON/, ""],
    [/the state is not what the agent writes/, "[]"],
    [/phase is not what the agent writes/, "{}"],
    [/phase is not what the agent writes/, good.replace('"staged"', '"stolen"')],
    [/candidate.slot is not/, good.replace('"slot": "B"', '"slot": "../../etc"')],
    [/longer than 1048576 bytes/, new Uint8Array(10 << 20).fill(0x20)],
  ];
  for (const [problem, contents] of cases) {
    await node.put(STATE, contents);
    const warning = new RegExp(
      `${STATE} is garbled \\(.*${problem.source}.*\\): it was set aside as ${STATE}.garbled-\\w+;`,
    );
    const { code, stdout } = await node.update("status", "--json");
    assertEquals(code, 0);
    const { notices, state } = JSON.parse(stdout);
    assertMatch(notices[0], warning);
    assertEquals(state.phase, "idle");

    await node.put(STATE, contents);
    const applied = await node.ask("apply");
    assertEquals(applied.code, 0, applied.stderr);
    assertMatch(applied.stderr, warning);
    assertEquals((await node.state()).phase, "staged");
  }
  const names = (await node.sandbox.sh(`ls ${DIRECTORY}`)).trim().split("\n");
  const aside = names.filter((name) => name.includes("garbled"));
  assertEquals(aside.length, 3, "the last three are kept for whoever wants to know");
  assertEquals(names.filter((name) => !name.includes("garbled")), ["lock", "state.json"]);
  await assertRecovers(node, "2.0.1");
});

Deno.test("a data partition that cannot be written stops an update, and hides nothing", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  assertEquals((await node.ask("apply")).code, 0);
  await node.sandbox.sh("mount -o remount,ro /var/lib");
  for (const command of ["apply", "activate", "healthcheck", "rollback"] as const) {
    const { code, stderr } = command === "apply"
      ? await node.ask(command)
      : await node.update(command);
    assertEquals(code, 50, stderr);
    assertMatch(stderr, /: taking the lock .*: Read-only file system .*; see that its file system/);
  }
  const status = await node.update("status");
  assertEquals(status.code, 0, status.stderr);
  assertMatch(status.stderr, /^warning: taking the lock .*: Read-only file system .*/);
  assertMatch(status.stdout, /^phase +staged 2.0.0$/m);
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);

  await node.sandbox.sh("mount -o remount,rw /var/lib");
  assertEquals((await node.update("activate")).code, 0);
});
