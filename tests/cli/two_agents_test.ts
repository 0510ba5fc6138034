import { assertEquals, assertMatch } from "@std/assert";
import { ended } from "../sandbox.ts";
import { until } from "../until.ts";
import { complaintOf } from "./_aftermath.ts";
import { on, upTo } from "./_bad_server.ts";
import { bytesOf, TestNode } from "./_test_node.ts";

Deno.test("while one agent works, others are refused and told who it is, and can look", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const initramfs = bytesOf("initramfs 2.0.0", 2_000_000);
  let goOn = () => {};
  node.answer = on(
    ".gz",
    upTo(initramfs, 1_000_000, (response) => {
      goOn = () => response.end(initramfs.subarray(1_000_000));
    }),
  );
  const first = node.start("apply");
  await until(async () => (await node.state()).download !== undefined);

  const holder = `process ${first.pid}, apply, has held it since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z`;
  const [second, shown, listed] = await Promise.all([
    node.ask("apply"),
    node.update("status"),
    node.update("status", "--json"),
  ]);
  assertEquals([second.code, second.stdout], [20, ""], second.stderr);
  assertMatch(
    complaintOf(second),
    new RegExp(
      `^taking the lock .*: ${holder}; wait until it has ended, or end it: kill ${first.pid}$`,
    ),
  );
  assertEquals(shown.code, 0, shown.stderr);
  assertMatch(shown.stdout, new RegExp(`^working +${holder}$`, "m"));
  assertMatch(shown.stdout, /^phase +downloading 2.0.0$/m);
  assertEquals(listed.code, 0, listed.stderr);
  const { worked_on_by, state, slots: { A, B } } = JSON.parse(listed.stdout);
  assertMatch(worked_on_by, new RegExp(`^${holder}$`));
  assertEquals([state.phase, A.running, A.version], ["downloading", true, "1.0.0"]);
  assertEquals([A.problem, B.problem], [undefined, "not looked at while another agent works"]);
  assertEquals((await node.mounts()).length, 1, "nobody looks into a slot that is being written");

  goOn();
  const { code, stderr } = await ended(first);
  assertEquals(code, 0, stderr);
  assertEquals([await node.slot("A"), await node.slot("B")], ["1.0.0", "2.0.0"]);
  const after = await node.update("status");
  assertEquals(after.stdout.includes("working"), false, after.stdout);
});

Deno.test("a lock that a killed agent left behind locks nothing", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  node.answer = on(".gz", upTo(bytesOf("initramfs 2.0.0", 2_000_000), 1_000_000, () => {}));
  const first = node.start("apply");
  await until(async () => (await node.state()).download !== undefined);
  first.kill("SIGKILL");
  await ended(first);
  node.answer = () => false;
  const { code, stderr } = await node.ask("apply");
  assertEquals(code, 0, stderr);
  assertEquals([await node.slot("A"), await node.slot("B")], ["1.0.0", "2.0.0"]);
  assertEquals(await node.mounts(), []);
});

Deno.test("a health check waits for who reads a slot, longer than others do", async () => {
  await using node = await TestNode.create();
  await node.update("status");
  const lock = "/var/lib/kubesolo/update/lock";
  // as `doctor` holds it, until the patience of the others is over
  const reader = node.sandbox.start(
    ...["flock", "--shared", "--no-fork", lock, "sh", "-c", "echo; exec sleep 600"],
  );
  const said = reader.stdout.getReader();
  await said.read();
  await said.cancel();
  const checking = node.update("healthcheck");
  const other = await node.update("rollback");
  reader.kill();
  const checked = await checking;
  assertEquals(other.code, 20, other.stderr);
  assertEquals(checked.code, 0, checked.stderr);
  await reader.stderr.cancel();
  await reader.status;
});
