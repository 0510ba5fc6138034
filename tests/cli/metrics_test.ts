import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PHASES } from "../../mod/core/mod.ts";
import { ended } from "../sandbox.ts";
import { until } from "../until.ts";
import { complaintOf } from "./_aftermath.ts";
import { Exporter, promtoolCheck, seriesOf } from "./_exporter.ts";
import { STATE, TestNode } from "./_test_node.ts";

function phaseOf(series: Readonly<Record<string, number>>): string {
  const values = PHASES.map((phase) => series[`kubesolo_update_phase{phase=${phase}}`]);
  assertEquals(values.filter((value) => value === 0).length, PHASES.length - 1);
  return PHASES[values.indexOf(1)];
}

Deno.test("metrics say what is on disk, while others work, and whatever is garbled", async () => {
  await using node = await TestNode.create();
  await using exporter = await Exporter.start(node);

  const fresh = await exporter.scrape();
  assertEquals(phaseOf(fresh), "idle", "no state is no problem");
  assertEquals(
    fresh["kubesolo_os_info{version=1.0.0,slot=A,boot=normal,architecture=x86_64}"],
    1,
    JSON.stringify(fresh),
  );
  assertEquals(fresh["kubesolo_os_boot_slot{slot=A}"], 1);
  assertEquals(fresh["kubesolo_os_boot_success"], 1);
  assert(
    fresh["kubesolo_os_memory_available_bytes"] < fresh["kubesolo_os_memory_total_bytes"],
  );
  assertEquals(Object.values(fresh).filter(Number.isNaN), []);

  // an apply that holds the lock, and waits for its server
  await node.publish({ version: "2.0.0" });
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  node.answer = ({ url }, response) => {
    if (!url?.includes("kubesolo-os")) return false;
    asked.resolve();
    gate.promise.then(() => response.writeHead(503).end());
    return true;
  };
  const applying = node.start("apply");
  await asked.promise;
  const during = await exporter.scrape("application/openmetrics-text");
  assertEquals(phaseOf(during), "downloading");
  assertEquals(during["kubesolo_update_attempts_total"], 1);
  assertEquals(during["kubesolo_update_available"], 1);
  assertEquals(during["kubesolo_update_scrape_problem{part=boot_environment}"], 0);
  node.answer = () => false;
  gate.resolve();
  const applied = await ended(applying);
  assertEquals(applied.code, 0, applied.stderr);

  const staged = await exporter.scrape();
  assertEquals(phaseOf(staged), "staged");
  assertEquals(staged["kubesolo_update_last_download_bytes"], 2_300_000);
  assert(staged["kubesolo_update_last_download_seconds"] > 0);
  assertEquals(staged["kubesolo_update_offered_info{version=2.0.0}"], 1);

  const refused = await node.ask("apply", "--channel", "beta");
  assertEquals(refused.code, 20, refused.stderr);
  const after = await exporter.scrape();
  assertEquals(after["kubesolo_update_refusals_total{gate=channel}"], 1);
  assertEquals(after["kubesolo_update_refused{gate=channel}"], 1);

  assertEquals(await promtoolCheck(await exporter.get("/metrics")), "");

  // one copy of the environment, then both
  const damage = (name: string) => node.esp((grub) => Deno.writeTextFile(`${grub}/${name}`, "x"));
  await damage("grubenv");
  await until(async () => {
    const series = await exporter.scrape();
    return series["kubesolo_os_grubenv_readable{copy=grubenv}"] === 0 &&
      series["kubesolo_os_grubenv_readable{copy=grubenv.bak}"] === 1 &&
      series["kubesolo_os_boot_success"] === 1;
  });
  await damage("grubenv.bak");
  await until(async () => {
    const series = await exporter.scrape();
    return series["kubesolo_update_scrape_problem{part=boot_environment}"] === 1 &&
      series["kubesolo_os_boot_success"] === undefined && phaseOf(series) === "staged";
  });

  // the state; it is left to the next command to set it aside
  await node.put(STATE, '{"phase": "stolen"}');
  const garbled = await exporter.scrape();
  assertEquals(garbled["kubesolo_update_state_readable"], 0);
  assertEquals(garbled["kubesolo_update_scrape_problem{part=state}"], 1);
  assertEquals(Object.keys(garbled).filter((name) => name.includes("phase")), []);
  assertEquals(await node.sandbox.sh(`cat ${STATE}`), '{"phase": "stolen"}');
  assertEquals(await exporter.get("/healthz"), "ok\n", "the exporter itself is well");
  assertStringIncludes(
    await exporter.get("/"),
    "<li>state: phase is not what the agent writes</li>",
  );
  assertEquals(exporter.said.split("phase is not what").length, 2, "it is said once");

  const stopped = await exporter.end("SIGTERM");
  assertEquals([stopped.code, stopped.stdout], [0, ""], stopped.stderr);
  assertEquals(await node.mounts(), [], "nothing stays mounted");
});

Deno.test("metrics go to standard output or to a file, whatever is there", async () => {
  await using node = await TestNode.create();
  const once = await node.update("metrics", "--once", "--disk", "/dev/none");
  assertEquals(once.code, 0, once.stderr);
  const series = seriesOf(once.stdout);
  for (const part of ["boot_environment", "version"]) {
    assertEquals(series[`kubesolo_update_scrape_problem{part=${part}}`], 1, "no disk, no ESP");
  }
  assertEquals(phaseOf(series), "idle");
  assertEquals(await promtoolCheck(once.stdout), "");

  const file = "/var/lib/kubesolo/metrics/kubesolo_update.prom";
  for (let times = 0; times < 2; times++) {
    const written = await node.update("metrics", "--textfile", file);
    assertEquals(written.code, 0, written.stderr);
    assertMatch(written.stdout, /^\d+ series are in \/var\/lib\/kubesolo\/metrics\//);
  }
  const text = await node.sandbox.sh(`cat ${file}`);
  assertEquals(seriesOf(text)["kubesolo_os_boot_slot{slot=A}"], 1);
  assertEquals(
    (await node.sandbox.sh(`ls -a ${file.replace(/[^/]*$/, "")}`)).split("\n").length,
    4,
  );
  const listed = await node.sandbox.sh(`stat -c %a ${file}`);
  assertEquals(listed.trim(), "644", "node_exporter runs as another user");

  const json = await node.update("metrics", "--once", "--json");
  const { families } = JSON.parse(json.stdout);
  assert(families.some(({ name }: { name: string }) => name === "kubesolo_update_phase"));
  assertEquals(await node.mounts(), []);

  const wrong: readonly [says: string, ...args: string[]][] = [
    ["reading --textfile: /var/lib/kubesolo/m.txt", "--textfile", "/var/lib/kubesolo/m.txt"],
    ["/tmp/m.prom lies outside of what", "--textfile", "/tmp/m.prom"],
    ["'--textfile <file>' cannot be used with option '--once'", "--textfile", file, "--once"],
    ["cannot be used with option '--listen", "--once", "--listen", ":0"],
    ['reading --listen: "9100"', "--listen", "9100"],
    ['reading --listen: ":70000"', "--listen", ":70000"],
    ['reading --listen: "[::1:9100"', "--listen", "[::1:9100"],
    ["listening at nosuch.invalid:9100: failed to lookup", "--listen", "nosuch.invalid:9100"],
    ["a file called environment", "--once", "--grubenv", "/var/lib/kubesolo/environment"],
  ];
  for (const [says, ...args] of wrong) {
    const ran = await node.update("metrics", ...args);
    assertEquals([ran.code, ran.stdout], [2, ""], ran.stderr);
    assertStringIncludes(complaintOf(ran), says);
  }

  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const busy = await node.update("metrics", "--listen", `127.0.0.1:${port}`);
  listener.close();
  assertEquals(busy.code, 2);
  assertStringIncludes(
    complaintOf(busy),
    `listening at 127.0.0.1:${port}: Address already in use (os error 98); end what listens there`,
  );

  await using everywhere = await Exporter.start(node, "--listen", ":0");
  assertMatch(everywhere.url, /^http:\/\/(\[::\]|0\.0\.0\.0):\d+$/);
  const loopback = `http://127.0.0.1:${everywhere.url.split(":").at(-1)}/healthz`;
  assertEquals(await (await fetch(loopback)).text(), "ok\n");
  const { port: open } = new URL(loopback);
  using half = await Deno.connect({ hostname: "127.0.0.1", port: Number(open) });
  await half.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\n"));
  const stopped = await everywhere.end("SIGINT");
  assertEquals(stopped.code, 0, stopped.stderr);
});

Deno.test("scrapes beside an update disturb neither", async () => {
  await using node = await TestNode.create();
  await using exporter = await Exporter.start(node);
  await node.publish({ version: "2.0.0" });
  let done = false;
  const scrape = async () => {
    for (; !done; await new Promise((resolve) => setTimeout(resolve, 20))) await exporter.scrape();
  };
  // each of these mounts the ESP and the running slot
  const once = async () => {
    while (!done) {
      const { code, stdout, stderr } = await node.update("metrics", "--once");
      assertEquals(code, 0, stderr);
      assertEquals(seriesOf(stdout)["kubesolo_update_state_readable"], 1, stderr);
    }
  };
  const scraping = Promise.all([scrape(), once(), once()]);
  try {
    for (const args of [["apply", "--server", node.url], ["activate"], ["rollback"]]) {
      const { code, stderr } = await node.update(...args);
      assertEquals(code, 0, stderr);
    }
  } finally {
    done = true;
    await scraping;
  }
  await until(async () => {
    const series = await exporter.scrape();
    return phaseOf(series) === "rolled_back" &&
      Object.keys(series).every((name) => !name.includes("problem") || series[name] === 0);
  });
  assertEquals((await exporter.end("SIGTERM")).code, 0);
  assertEquals(await node.mounts(), []);
});
