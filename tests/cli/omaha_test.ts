import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PrivateKey, signFile } from "../../mod/trust/mod.ts";
import { putRelease, Served } from "../serve/_directory.ts";
import { until } from "../until.ts";
import { FleetSite } from "./_fleet_site.ts";
import { bytesOf, TestNode } from "./_test_node.ts";

Deno.test("a node of a fleet takes an update, and the server sees each step of it", async () => {
  await using site = await FleetSite.create();
  const { node, nebraska } = site;
  const none = await node.update("check");
  assertEquals([none.code, none.stderr], [0, ""]);
  assertEquals(none.stdout, "up to date: 1.0.0 runs, and nothing else is offered\n");
  const explained = await node.update("check", "--explain");
  assertEquals(explained.code, 0, explained.stderr);
  assertStringIncludes(explained.stdout, "offers       nothing else\n");
  const idle = await node.update("apply", "--json");
  assertEquals(JSON.parse(idle.stdout).result, "up_to_date");
  assertEquals(site.fleet.events, []);

  await site.offer("2.0.0");
  nebraska.isPaused = true;
  const paused = "the server gives out no update at the moment: error-updatesDisabled";
  for (const command of ["check", "apply"]) {
    const held = await node.update(command);
    assertEquals([held.code, held.stdout], [0, `withheld: 1.0.0 runs, and ${paused}\n`]);
  }
  const why = await node.update("check", "--explain");
  assertStringIncludes(why.stdout, `decision     withheld: ${paused}\n`);
  assertStringIncludes(why.stdout, "offers       nothing for now\n");
  const status = await node.update("status");
  assertStringIncludes(status.stdout, `withheld     ${paused} (asked `);
  assertEquals((await node.state()).phase, "idle");
  nebraska.isPaused = false;
  const there = await node.update("check", "--json");
  assertEquals(there.code, 10, there.stderr);
  assertEquals(JSON.parse(there.stdout).size, 2_300_000);
  const applied = await node.update("apply");
  assertEquals([applied.code, await node.slot("B")], [0, "2.0.0"], applied.stderr);
  // nebraska gives an update once: what it gave is remembered
  const again = await node.update("apply", "--activate");
  assertEquals(again.code, 0, again.stderr);
  assertStringIncludes(again.stdout, "2.0.0 is staged in slot B already");
  const waiting = await node.update("apply");
  assertStringIncludes(waiting.stdout, "2.0.0 in slot B is activated already");

  await node.boots("B", "trial");
  const healthy = await node.update("healthcheck");
  assertEquals(healthy.code, 0, healthy.stderr);
  assertEquals(nebraska.history, [
    "1.0.0 UpdateGranted",
    "1.0.0 Downloading",
    "1.0.0 Downloaded",
    "1.0.0 Installed",
    "2.0.0 Complete",
  ]);
  assertEquals(site.fleet.events, ["13/1", "14/1", "800/1", "3/2"]);
  const [done] = site.fleet.asked.flatMap(({ apps }) => apps[0].events).slice(-1);
  assertEquals(done.previousversion, "1.0.0");
  // one attempt is one session, over commands and boots
  const sessions = site.fleet.asked.filter(({ apps }) => apps[0].events.length > 0)
    .map(({ sessionid }) => sessionid);
  assertEquals(new Set(sessions).size, 1);

  const current = await node.update("apply", "--json");
  assertEquals(
    [current.code, JSON.parse(current.stdout).result],
    [0, "up_to_date"],
    current.stderr,
  );

  await node.boots("B", "normal");
  const back = await node.update("rollback");
  assertEquals(back.code, 0, back.stderr);
  assertEquals(site.fleet.events.at(-1), "3/0 44");
  assertEquals(nebraska.ignored, ["3/0 44"], "an update that is over");
});

Deno.test("a release that GRUB gives up is reported as rolled back, by whoever notices first", async () => {
  await using site = await FleetSite.create();
  const { node, nebraska } = site;
  await site.offer("2.0.0");
  assertEquals((await node.update("apply", "--activate")).code, 0);
  await node.boots("B", "trial");
  const bad = await node.update(
    "healthcheck",
    "--deadline",
    "1",
    "--healthcheck-url",
    `${node.url}/none`,
  );
  assertEquals(bad.code, 60, bad.stderr);
  assertEquals(nebraska.history.at(-1), "1.0.0 Installed", "it is on trial still");
  await node.setGrubenv("A", 0, 1);
  await node.boots("A", "rollback");
  const noticed = await node.update("apply");
  assertEquals(noticed.code, 20, noticed.stderr);
  assertStringIncludes(noticed.stderr, "ledger");
  assertEquals(nebraska.history.slice(3), [
    "1.0.0 Installed",
    "1.0.0 Error 44",
    "1.0.0 UpdateGranted",
  ]);
});

Deno.test("what the server could not be told is told with the next request, and holds up nothing", async () => {
  await using site = await FleetSite.create();
  const { node, nebraska } = site;
  await site.offer("2.0.0");
  assertEquals((await node.update("apply")).code, 0);
  await site.unplug();
  const activated = await node.update("activate");
  assertEquals(activated.code, 0, activated.stderr);
  assertStringIncludes(activated.stderr, "has not heard of it, and will with the next request");
  await node.boots("B", "trial");
  assertEquals((await node.update("healthcheck")).code, 0);
  await site.plugIn();
  assertEquals((await node.update("check")).code, 0);
  assertEquals(nebraska.history.slice(1), [
    "1.0.0 Downloading",
    "1.0.0 Downloaded",
    "2.0.0 Installed",
    "2.0.0 Complete",
  ]);
  assertEquals(site.fleet.asked.length, 1, "with the question, in one request");
  assertEquals((await node.update("check")).code, 0);
  assertEquals(site.fleet.events, ["800/1", "3/2"], "once");
});

Deno.test("a download that fails is reported with its number, and begins anew", async () => {
  await using site = await FleetSite.create();
  const { node, nebraska } = site;
  const directory = await site.offer("2.0.0");
  const kernel = `${directory}/vmlinuz`;
  const bytes = await Deno.readFile(kernel);
  await Deno.writeFile(kernel, bytesOf("another", bytes.length));
  const wrong = await node.update("apply");
  assertEquals(wrong.code, 30, wrong.stderr);
  assertStringIncludes(wrong.stderr, "SHA-1");
  await Deno.remove(kernel);
  const gone = await node.update("apply");
  assertEquals(gone.code, 40, gone.stderr);
  await Deno.writeFile(kernel, bytes);
  assertEquals((await node.update("apply")).code, 0);
  assertEquals(nebraska.history, [
    "1.0.0 UpdateGranted",
    "1.0.0 Downloading",
    "1.0.0 Error 10",
    "1.0.0 UpdateGranted",
    "1.0.0 Downloading",
    "1.0.0 Error 2404",
    "1.0.0 UpdateGranted",
    "1.0.0 Downloading",
    "1.0.0 Downloaded",
  ]);
});

Deno.test("a node that was cut off in a download goes on with what it was given, once", async () => {
  await using site = await FleetSite.create();
  const { node, nebraska } = site;
  await site.offer("2.0.0");
  const seen = Promise.withResolvers<void>();
  node.answer = (request, response) => {
    if (!request.url?.endsWith("kubesolo-os.gz")) return false;
    response.writeHead(200, { "content-length": "2000000" });
    response.write(new Uint8Array(100_000));
    seen.resolve();
    return true;
  };
  const agent = node.sandbox.start(node.sandbox.agent, "apply");
  const output = agent.output();
  await seen.promise;
  await until(() => nebraska.history.at(-1) === "1.0.0 Downloading");
  agent.kill("SIGKILL");
  await output;
  node.answer = () => false;
  const resumed = await node.update("apply");
  assertEquals([resumed.code, await node.slot("B")], [0, "2.0.0"], resumed.stderr);
  assertStringIncludes(resumed.stderr, "going on with that");
  assertEquals(nebraska.history.slice(1), [
    "1.0.0 Downloading",
    "1.0.0 Downloading",
    "1.0.0 Downloaded",
  ]);

  // a server that waits for an update of which the node knows nothing any more is set free
  await node.sandbox.sh("rm -r /var/lib/kubesolo/update");
  const fresh = await node.update("check");
  assertEquals(fresh.code, 40, "it is another machine to the server");
});

Deno.test("a node with a key takes nothing unsigned from a fleet's server either", async () => {
  await using site = await FleetSite.create();
  const { node, nebraska } = site;
  const key = PrivateKey.generate();
  await site.configure(`pubkey=${key.publicKey.bytes.toHex()}`);
  const directory = await site.offer("2.0.0");
  node.requests.length = 0;
  const unsigned = await node.update("apply", "--force");
  assertEquals(unsigned.code, 30, unsigned.stderr);
  assert(node.requests.every((request) => request.includes("latest.json")), node.requests.join());
  assertEquals(nebraska.history, ["1.0.0 UpdateGranted", "1.0.0 Error 10"]);
  assertEquals(await node.slot("B"), "1.0.0");

  const text = await Deno.readFile(`${directory}/latest.json`);
  await Deno.writeFile(`${directory}/latest.json.sig`, signFile(key, text, "base64"));
  const signed = await node.update("apply", "--json");
  assertEquals(signed.code, 0, signed.stderr);
  assertEquals(await node.slot("B"), "2.0.0");
});

Deno.test("what serve offers, a node takes: step by step, and each step signed", async () => {
  const key = PrivateKey.generate();
  const sign = async (directory: string, text: string) => {
    const signature = signFile(key, new TextEncoder().encode(text), "base64");
    await Deno.writeFile(`${directory}/latest.json.sig`, signature);
  };
  await using served = await Served.start(async (directory) => {
    const steps = [["1.5.0"], ["2.0.0", "1.5.0"], ["3.0.0", "2.0.0"]];
    for (const [version, min] of steps) {
      const text = await putRelease(`${directory}/${version}`, { version, min });
      if (version !== "3.0.0") await sign(`${directory}/${version}`, text);
    }
  });
  await using node = await TestNode.create();
  const conf = [`omaha=${served.url}`, `pubkey=${key.publicKey.bytes.toHex()}`].join("\n");
  await node.put("/etc/kubesolo/update.conf", `${conf}\n`);
  const unsigned = await node.update("check");
  assertEquals(unsigned.code, 30, unsigned.stderr);
  assertStringIncludes(unsigned.stderr, "/latest.json: wanted a signature");
  const last = `${served.directory}/3.0.0`;
  await sign(last, await Deno.readTextFile(`${last}/latest.json`));
  await served.look();
  const first = await node.update("apply", "--json");
  const { version, stepping_stone_to } = JSON.parse(first.stdout);
  assertEquals([first.code, version, stepping_stone_to], [0, "1.5.0", "3.0.0"], first.stderr);
  assertEquals(await node.slot("B"), "1.5.0");
  assertEquals((await node.update("activate")).code, 0);
  await node.boots("B", "trial");
  assertEquals((await node.update("healthcheck")).code, 0);
  const next = await node.update("apply", "--json");
  assertEquals([next.code, JSON.parse(next.stdout).version], [0, "2.0.0"], next.stderr);
  const [seen] = served.parts.fleet.nodes;
  assertEquals([seen.version, seen.phase, seen.target], ["1.5.0", "downloaded", "2.0.0"]);
});

Deno.test("settings of a fleet's server that do not go together are usage errors", async () => {
  await using site = await FleetSite.create();
  const { node, fleet } = site;
  const cases: readonly (readonly [args: readonly string[], says: string])[] = [
    [["--omaha", fleet.url, "--server", "http://x/"], "--server"],
    [["--omaha", fleet.url, "--registry", "x.lan/os"], "--registry"],
    [["--omaha", fleet.url, "--from", "/run/kubesolo-update/x"], "--from"],
    [["--omaha", "ftp://x/"], "http://host/path"],
    [["--app-id", "two words"], "--app-id"],
    [["--track", "two words"], "--track"],
  ];
  for (const [args, says] of cases) {
    const ran = await node.update("check", ...args);
    assertEquals(ran.code, 2, ran.stderr);
    assertStringIncludes(ran.stderr, says);
  }
  // who asks nobody needs none of it
  await node.put("/etc/kubesolo/update.conf", `omaha=${fleet.url}\napp_id=two words\n`);
  assertEquals((await node.update("healthcheck")).code, 0);
  const config = await node.update("config");
  assertStringIncludes(config.stdout, "\nomaha ");
  assertEquals(fleet.asked, []);
});
