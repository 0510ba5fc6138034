import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestNode } from "./_test_node.ts";

const JSON_LOG = ["--log-format", "json"];

interface Line {
  readonly time: string;
  readonly level: string;
  readonly command: string;
  readonly attempt?: string;
  readonly event: string;
  readonly message: string;
  readonly [member: string]: unknown;
}

/** The lines of a log in JSON; throws where one is none. */
function linesOf(stderr: string): Line[] {
  return stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("in JSON every line of an attempt has its id, over commands and boots", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const applied = linesOf((await node.ask("apply", ...JSON_LOG)).stderr);
  const { attempt_id: id } = await node.state();
  assertMatch(id ?? "", /^[0-9a-f]{8}$/);
  const start = applied.findIndex(({ event, to }) => event === "phase" && to === "downloading");
  assert(start > 0);
  assertEquals(applied.slice(0, start).map(({ attempt }) => attempt).filter(Boolean), []);
  assertEquals(new Set(applied.slice(start).map(({ attempt }) => attempt)), new Set([id]));
  assertEquals(
    applied.filter(({ event }) => event === "phase").map(({ from, to }) => [from, to]),
    [["idle", "checking"], ["checking", "downloading"], ["downloading", "staged"]],
  );
  const progress = applied.filter(({ event }) => event === "progress").at(-1);
  assertEquals([progress?.action, progress?.done, progress?.total], ["verify", 2e6, 2e6]);
  for (const { time, level, command } of applied) {
    assertEquals([new Date(time).toISOString(), level, command], [time, "info", "apply"]);
  }

  const activated = linesOf((await node.update("activate", ...JSON_LOG)).stderr);
  await node.boots("B", "trial");
  await node.setGrubenv("B", 2, 0);
  const sick = await node.update(
    "healthcheck",
    ...JSON_LOG,
    ...["--deadline", "1", "--healthcheck-url", `${node.url}/healthz`],
  );
  const checked = linesOf(sick.stderr);
  await node.boots("A", "rollback");
  await node.setGrubenv("A", 3, 1);
  const back = linesOf((await node.ask("apply", ...JSON_LOG)).stderr);
  for (const { attempt } of [...activated, ...checked]) assertEquals(attempt, id);
  const last = checked.at(-1);
  assertEquals([last?.level, last?.event, last?.exit], ["error", "error", 60]);
  assertEquals(last?.command, "healthcheck");
  assertStringIncludes(last?.message ?? "", "checking the health of slot B: probe");
  const told = back.findIndex(({ message }) => message.includes("2.0.0 rolled back"));
  assertEquals(back[told].attempt, id);
  assertEquals([back[told + 1].event, back[told + 1].attempt], ["phase", id]);
  assertEquals(back.slice(told + 2).map(({ attempt }) => attempt).filter(Boolean), []);
});

Deno.test("what is said is as much as was asked for, and the journal learns how grave it is", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const quiet = await node.ask("apply", "--log-level", "warning");
  assertEquals([quiet.code, quiet.stderr], [0, ""]);

  await node.publish({ version: "2.0.1" });
  const agent = node.sandbox.agent;
  const journaled = await node.sandbox.run(
    ...["env", "JOURNAL_STREAM=8:1", agent, "apply", "--server", node.url, "--log-level", "debug"],
  );
  const { attempt_id: id } = await node.state();
  const lines = journaled.stderr.trimEnd().split("\n");
  assertEquals(lines.filter((line) => !/^<[67]>/.test(line)), []);
  assertEquals(lines.filter((line) => line.startsWith(`<7>[${id}] http://`)).length, 2);
  assert(lines.includes(`<6>[${id}] checking → downloading 2.0.1`), journaled.stderr);

  const refused = await node.sandbox.run("env", "JOURNAL_STREAM=8:1", agent, "check");
  assertMatch(refused.stderr, /^<3>kubesolo-update check: choosing a source: no update server/);
  const wrong = await node.update("check", "--log-format", "xml");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "Allowed choices are text, json");
});

Deno.test("no secret is ever printed", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const secret = "hunter2-of-the-server";
  const server = node.url.replace("//", `//operator:${secret}@`);
  const commands = [
    ["check", "--server", server, "--json"],
    ["apply", "--server", server, "--json"],
    ["apply", "--server", `${server}/nowhere`],
    ["apply", "--server", server.replace(/\d+$/, "1"), "--stall-timeout", "0.1"],
    ["healthcheck", "--deadline", "1", "--healthcheck-url", `${server}/healthz?token=${secret}`],
    ["status", "--json"],
  ];
  for (const command of commands) {
    for (const format of ["text", "json"]) {
      const { stdout, stderr } = await node.update(
        ...command,
        ...["--log-level", "debug", "--log-format", format],
      );
      assert(!(stdout + stderr).includes(secret), `${command.join(" ")}: ${stdout}${stderr}`);
    }
  }
});
