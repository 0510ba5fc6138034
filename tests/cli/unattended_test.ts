import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestNode } from "./_test_node.ts";

Deno.test("apply --activate does in one command what a timer has to do", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "1.0.0" });
  const nothing = await node.ask("apply", "--activate", "--json");
  assertEquals([nothing.code, JSON.parse(nothing.stdout).result], [0, "up_to_date"]);
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);

  await node.publish({ version: "2.0.0" });
  const { code, stdout, stderr } = await node.ask("apply", "--activate");
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "2.0.0 is staged in slot B, read back and complete; GRUB tries it");
  assertEquals(await node.grubenv(), ["B/3/0", "B/3/0"]);
  assertEquals((await node.state()).phase, "activated");

  const again = JSON.parse((await node.ask("apply", "--activate", "--json")).stdout);
  assertEquals([again.result, again.activated], ["already_activated", undefined]);
});

Deno.test("apply --reboot reboots when there is something to try, and not otherwise", async () => {
  await using node = await TestNode.create();
  await node.sandbox.sh(`
    printf '#!/bin/sh\\necho rebooted >>/run/reboots\\n' >/run/reboot; chmod +x /run/reboot
    mount --bind /run/reboot /usr/sbin/reboot
  `);
  const reboots = async () =>
    (await node.sandbox.sh("cat /run/reboots || true")).split("\n").length;
  await node.publish({ version: "1.0.0" });
  assertEquals((await node.ask("apply", "--reboot")).code, 0);
  assertEquals(await reboots(), 1, "none");

  await node.publish({ version: "2.0.0" });
  assertEquals((await node.ask("apply", "--reboot")).code, 0);
  assertEquals([(await node.state()).phase, await reboots()], ["activated", 2]);
  // the node is still up, so that one came to nothing
  assertEquals((await node.ask("apply", "--reboot")).code, 0);
  assertEquals(await reboots(), 3);
});

Deno.test("--jitter waits before anything is touched, says so, and ends with a signal", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const waited = await node.ask("check", "--jitter", "0.5");
  assertEquals(waited.code, 10, waited.stderr);
  assertMatch(waited.stderr, /^waiting \d of up to 0\.5 seconds/);

  // as process 1, which the kernel spares signals that it has no handler for
  const { agent } = node.sandbox;
  const waiting = node.sandbox.start(
    ...["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...[agent, "apply", "--server", node.url, "--jitter", "86400"],
  );
  const [said, stderr] = waiting.stderr.tee();
  for await (const line of said.pipeThrough(new TextDecoderStream())) {
    if (line.startsWith("waiting ")) break;
  }
  const children = await Deno.readTextFile(`/proc/${waiting.pid}/task/${waiting.pid}/children`);
  Deno.kill(Number(children), "SIGTERM");
  assertEquals((await waiting.status).code, 143, await new Response(stderr).text());
  await waiting.stdout.cancel();
});
