import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bootId } from "../sandbox.ts";
import { assertEnding, assertRecovers, type Ending } from "./_aftermath.ts";
import { TestNode } from "./_test_node.ts";

/** Kernel command lines that do not say which slot runs. */
const SILENT = ["", "quiet", "ksolo.slot=", "ksolo.slot=C", "ksolo.slot=a", "xksolo.slot=A"];

Deno.test("a running slot in doubt stops everything", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  await node.setGrubenv("A", 2, 0);
  const ending: Ending = {
    exit: 50,
    says: /^finding out which slot runs: no ksolo.slot= on .*; nothing was written; boot the node/,
    passive: "1.0.0",
    grubenv: ["A/2/0", "A/2/0"],
  };
  for (const commandLine of SILENT) {
    await node.sandbox.boot({ commandLine, id: bootId(9) });
    await assertEnding(node, await node.ask("apply"), ending);
  }
  for (const command of ["activate", "healthcheck", "rollback"]) {
    await assertEnding(node, await node.update(command), ending);
  }
  assertEquals(node.requests, []);

  await node.setGrubenv("A", 3, 1);
  await assertRecovers(node, "2.0.0");
});

Deno.test("a boot that went wrong is reported loudly, and says what may be done next", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const cases: readonly [why: string, warning: RegExp][] = [
    ["nosave", /^warning: GRUB could not record a boot attempt and did not try the slot on trial/m],
    ["fallback", /^warning: GRUB fell back to slot A: the other slot could not be loaded/m],
    ["noenv", /^warning: GRUB found no boot environment; the next confirmation makes it anew/m],
  ];
  for (const [why, warning] of cases) {
    await node.boots("A", why);
    const checked = await node.ask("check");
    assertEquals(checked.code, 10, checked.stderr);
    assertMatch(checked.stderr, warning);
    const shown = await node.update("status");
    assertStringIncludes(shown.stdout, `boot         ${why}, slot A runs`);
    assertMatch(shown.stdout, new RegExp(warning.source.replace(": ", " +"), "m"));
    const healthy = await node.update("healthcheck");
    assertEquals([healthy.code, warning.test(healthy.stderr)], [0, true], healthy.stderr);
  }
});

Deno.test("a slot that GRUB could not load is rolled back, and may be overwritten", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  assertEquals((await node.ask("apply")).code, 0);
  assertEquals((await node.update("activate")).code, 0);

  await node.boots("A", "nosave");
  const kept = await node.update("status");
  assertMatch(kept.stdout, /^warning +slot B \(2.0.0\) is still the one that GRUB will boot, but/m);
  assertEquals((await node.state()).phase, "activated");

  await node.boots("A", "fallback");
  await node.setGrubenv("A", 3, 1);
  const fallen = await node.update("healthcheck");
  assertEquals(fallen.code, 0, fallen.stderr);
  assertMatch(
    fallen.stderr,
    /^\[\w{8}\] warning: 2.0.0 rolled back after 1 boots: GRUB could not load slot/m,
  );
  const { phase, ledger } = await node.state();
  assertEquals([phase, ledger[0].outcome, ledger[0].version], [
    "rolled_back",
    "rolled_back",
    "2.0.0",
  ]);
  await assertRecovers(node, "2.0.1");
});

Deno.test("the slot that GRUB confirms but could not load is no reason to stop", async () => {
  await using node = await TestNode.create();
  await node.setGrubenv("B", 3, 1);
  await node.publish({ version: "2.0.0" });
  await assertEnding(node, await node.ask("apply"), {
    exit: 20,
    says:
      /^gate confirmed: wanted slot A, .*, found slot B to be booted next; run .* or reboot; .*/,
    passive: "1.0.0",
    phase: "idle",
    gate: "confirmed",
    grubenv: ["B/3/1", "B/3/1"],
  });
  await node.boots("A", "fallback");
  await assertRecovers(node, "2.0.0");
});
