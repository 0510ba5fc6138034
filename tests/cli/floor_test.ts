import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { STATE, TestNode } from "./_test_node.ts";

Deno.test("an old release with everything in order is not taken again, also after the state is lost", async (t) => {
  await using node = await TestNode.create();
  const update = async (version: string, changes: Record<string, unknown>) => {
    await node.publish({ version, changes });
    const ran = await node.ask("apply", "--activate");
    assertEquals(ran.code, 0, ran.stderr);
  };
  const refused = async (gate: string, ...flags: string[]) => {
    for (const command of ["check", "apply"] as const) {
      const ran = await node.ask(command, "--force", ...flags);
      assertEquals(ran.code, 20, ran.stderr + ran.stdout);
      assertStringIncludes(ran.stderr + ran.stdout, `gate ${gate}`);
    }
  };

  await t.step("a release is confirmed that raises the floor", async () => {
    await update("2.0.0", {
      metadata_version: 5,
      min_allowed_version: "2.0.0",
      release_date: "2026-03-01T00:00:00Z",
    });
    await node.boots("B", "trial");
    assertEquals((await node.update("healthcheck")).code, 0);
    assertEquals((await node.state()).floor, {
      version: "2.0.0",
      min_allowed_version: "2.0.0",
      metadata_versions: { stable: 5 },
      time: "2026-03-01T00:00:00Z",
    });
    assertMatch(
      (await node.update("status")).stdout,
      /^floor +2\.0\.0, which was confirmed; 2\.0\.0, as a release wants it; metadata 5 of stable$/m,
    );
  });

  await t.step("what was published before is refused, --force or not", async () => {
    await node.publish({ version: "3.0.0", changes: { metadata_version: 4 } });
    await refused("metadata_version");
    await node.publish({ version: "3.0.0" });
    await refused("metadata_version");
  });

  await t.step("so it is when state, set aside or gone, knows nothing of it", async () => {
    await node.sandbox.sh(`rm -r ${STATE}*`);
    await node.publish({ version: "3.0.0", changes: { metadata_version: 4 } });
    await refused("metadata_version");
    await node.put(STATE, "garbled");
    await refused("metadata_version");
    await node.publish({ version: "1.9.9", changes: { metadata_version: 9 } });
    await refused("downgrade");
  });

  await t.step("the way back below the floor is barred, but for --force", async () => {
    const ran = await node.update("rollback");
    assertEquals(ran.code, 20, ran.stderr);
    assertStringIncludes(
      ran.stderr,
      "1.0.0, where a release that was confirmed here wants nothing",
    );
    assertEquals(await node.grubenv(), ["B/3/1", "B/3/1"]);
  });

  await t.step("the time can be said, but not to be earlier than what is known", async () => {
    const changes = { metadata_version: 6, expires: "2030-01-01T00:00:00Z" };
    await node.publish({ version: "3.0.0", changes });
    assertEquals((await node.ask("check")).code, 10);
    await refused("expired", "--offline-time", "2030-01-01T00:00:00Z");
    await node.publish({
      version: "3.0.0",
      changes: { ...changes, expires: "2026-02-01T00:00:00Z" },
    });
    const early = await node.ask("check", "--explain", "--offline-time", "2026-01-15T00:00:00Z");
    assertEquals(early.code, 20, early.stderr);
    assertMatch(
      early.stdout,
      /^expired +refused .*the date of a release that was taken; --offline/m,
    );
    const wrong = await node.ask("check", "--offline-time", "yesterday");
    assertEquals(wrong.code, 2, wrong.stderr);
  });

  await t.step("it goes back when somebody means it", async () => {
    const ran = await node.update("rollback", "--force");
    assertEquals(ran.code, 0, ran.stderr);
    assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);
  });
});
