import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { complaintOf } from "./_aftermath.ts";
import { STATE, TestNode } from "./_test_node.ts";

const CONF = "/etc/kubesolo/update.conf";

Deno.test("update.conf is read as people write it, and flags beat it", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0", changes: { channel: "beta" } });
  const forms = [
    `server=${node.url}\nchannel=beta\n`,
    `\uFEFFserver = ${node.url}/latest.json\r\nchannel\t=\tbeta\r\n`,
    `# server=http://127.0.0.1:1\n  server="${node.url}/"  \nchannel='beta'\ncolour=blue\nnonsense`,
    `server=http://127.0.0.1:1\nserver=${node.url}\nchannel=stable\nchannel=beta`,
  ];
  for (const form of forms) {
    await node.put(CONF, form);
    const { code, stderr } = await node.update("check");
    assertEquals(code, 10, `${form}\n${stderr}`);
  }
  await node.put(CONF, "server=http://127.0.0.1:1\nchannel=beta\n");
  assertEquals((await node.ask("check")).code, 10, "--server beats server=");
  const other = await node.ask("check", "--channel", "stable", "--json");
  assertEquals(other.code, 20, "--channel beats channel=");
  assertEquals(JSON.parse(other.stdout).refusal.wanted, "stable");

  await node.put("/etc/kubesolo/lab.conf", `server=${node.url}\nchannel=beta\n`);
  assertEquals((await node.update("check", "--conf", "/etc/kubesolo/lab.conf")).code, 10);
  await node.sandbox.sh(`rm ${CONF}`);
  const none = await node.update("check");
  assertEquals([none.code, complaintOf(none)], [
    2,
    "choosing a source: no update server; give --server URL, --registry REPOSITORY, --omaha URL or --from PATH, or server= in /etc/kubesolo/update.conf",
  ]);
});

Deno.test("an update.conf that is no good is a usage error, and nothing is touched", async () => {
  await using node = await TestNode.create();
  const server = `server=${node.url}\n`;
  const cases: readonly [conf: string, says: RegExp][] = [
    [`${server}${"#".repeat(1 << 16)}`, /^reading .*update.conf: more than 65536 bytes; write key/],
    [
      "server=ftp://updates.lan",
      /^reading server in \/etc\/kubesolo\/update.conf:1: "ftp:\/\/updates.lan"; write it as http:/,
    ],
    [
      "server=updates.lan",
      /^reading server in \/etc\/kubesolo\/update.conf:1: "updates.lan"; write it as http:/,
    ],
    [
      `${server}maintenance_window=25:00-03:00`,
      /^reading maintenance_window in .*update.conf:2: "25:00-03:00"/,
    ],
    [
      `${server}maintenance_window=22:00`,
      /^reading maintenance_window in .*update.conf:2: "22:00"; write it as/,
    ],
    [
      `${server}maintenance_window=04:00-04:00`,
      /^reading maintenance_window in .*update.conf:2: "04:00-04:00"/,
    ],
  ];
  for (const [conf, says] of cases) {
    await node.put(CONF, conf);
    for (const command of ["check", "apply"]) {
      const ran = await node.update(command);
      assertEquals(ran.code, 2, ran.stderr);
      assertMatch(complaintOf(ran), says);
    }
  }
  const absent = await node.update("check", "--conf", "/etc/kubesolo/absent.conf");
  assertEquals(absent.code, 2, "a file that was asked for must be there");
  assertMatch(complaintOf(absent), /^reading \/etc\/kubesolo\/absent.conf: No such file/);

  await node.put(CONF, `${server}healthcheck_url=file:///etc/shadow\n`);
  const checked = await node.update("healthcheck");
  assertEquals(checked.code, 2, checked.stderr);
  assertMatch(
    complaintOf(checked),
    /^reading healthcheck_url in .*update.conf:2: "file:\/\/\/etc\/shadow"; write/,
  );

  await node.put(CONF, `server=ftp://user:secret@updates.lan\nmaintenance_window=never\n`);
  for (const command of ["status", "healthcheck", "rollback"]) {
    const ran = await node.update(command);
    assertEquals(ran.code, 0, `${command} needs neither: ${ran.stderr}`);
  }
  const masked = await node.update("check");
  assertMatch(complaintOf(masked), /update.conf:1: "ftp:\/\/…@updates.lan"; write/);
  await node.sandbox.sh(`rm ${STATE}`);
  await node.setGrubenv("A", 3, 1);

  assertEquals(node.requests, []);
  assertEquals((await node.sandbox.run("test", "-e", STATE)).code, 1, "not even a state");
  assertEquals([await node.slot("A"), await node.slot("B")], ["1.0.0", "1.0.0"]);
});

Deno.test("the maintenance window holds for updates, and not for force", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const time = (minutes: number) =>
    new Date(Date.now() + minutes * 60_000).toTimeString().slice(0, 5);
  const window = `${time(60)}-${time(120)}`;
  await node.put(CONF, `server=${node.url}\nmaintenance_window=${window}\n`);
  const refused = await node.update("apply");
  assertEquals(refused.code, 20, refused.stderr);
  assertMatch(
    complaintOf(refused),
    new RegExp(
      `^gate window: wanted ${window}, found .*, and it opens .* ${window.slice(0, 5)} .*; wait`,
    ),
  );
  assertEquals((await node.state()).last_refusal?.gate, "window");
  assertEquals(node.requests, [], "no network outside of it");

  const now = await node.update("apply", "--maintenance-window", `${time(-60)}-${time(60)}`);
  assertEquals(now.code, 0, now.stderr);
  const forced = await node.update("apply", "--force");
  assertStringIncludes(forced.stdout, "2.0.0 is staged in slot B already");
});
