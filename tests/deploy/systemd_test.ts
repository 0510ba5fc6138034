import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { compileAgent } from "../../tasks/compile.ts";
import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { TestNode } from "../cli/_test_node.ts";
import { closedPort } from "../http/_servers.ts";
import { until } from "../until.ts";
import { Systemd } from "./_systemd.ts";

const UNITS = `${ROOT}/deploy/systemd`;

/** Highest exposure that is let through, of 100; what runs as root and mounts comes to 27. */
const EXPOSURE = 28;

const names = await Array.fromAsync(Deno.readDir(UNITS), ({ name }) => name);
const services = names.filter((name) => name.endsWith(".service"));
const agents = services.filter((name) => name !== "kubesolo-update-reboot.service");

/** The lines of a unit that are neither empty nor comments. */
async function linesOf(name: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${UNITS}/${name}`);
  return text.split("\n").filter((line) => line && !line.startsWith("#"));
}

Deno.test("no unit is exposed more than it has to be", async () => {
  for (const name of services) {
    const args = ["security", "--offline=true", `--threshold=${EXPOSURE}`, `${UNITS}/${name}`];
    await runText("systemd-analyze", ["--no-pager", ...args]);
  }
});

Deno.test("all units that run the agent have the same sandbox", async () => {
  const isSandbox =
    /^(?:\w*Director|UMask|Protect|Private|Device|Capab|NoNew|Restrict[A-Z]|Lock|Key|System)/;
  const sandboxes = await Promise.all(
    agents.map(async (name) => (await linesOf(name)).filter((line) => isSandbox.test(line)).sort()),
  );
  for (const sandbox of sandboxes) assertEquals(sandbox, sandboxes[0]);
  assert(sandboxes[0].length >= 25, sandboxes[0].join("\n"));
});

Deno.test("under systemd, an update goes from the timer to the health check", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  await using systemd = await Systemd.start(node);
  const start = async (unit: string) => (await systemd.systemctl("start", unit)).code;
  const property = async (unit: string, name: string) =>
    (await systemd.systemctl("show", "--value", "--property", name, unit)).stdout.trim();

  const verified = await systemd.run(
    ...["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", ...names],
  );
  assertEquals([verified.code, verified.stderr], [0, ""]);

  // refused by a gate is no failure of the unit; no server is
  assertEquals(await start("kubesolo-update.service"), 1);
  await systemd.sh(`
    echo 'server=${node.url}' >/etc/kubesolo/update.conf
    echo 'channel=edge' >>/etc/kubesolo/update.conf`);
  assertEquals(await start("kubesolo-update.service"), 0, await systemd.said());
  assertMatch(await systemd.said(), /kubesolo-update apply: .*channel/);
  await systemd.sh("sed -i /channel/d /etc/kubesolo/update.conf");

  assertEquals(await start("kubesolo-update.timer"), 0);
  assertEquals(await property("kubesolo-update.timer", "Unit"), "kubesolo-update.service");
  assertMatch(await property("kubesolo-update.timer", "NextElapseUSecRealtime"), /^\w+ \d{4}-/);
  assertEquals(await start("kubesolo-update.service"), 0, await systemd.said());
  assertStringIncludes(await systemd.said(), "2.0.0 is staged in slot B, read back and complete");
  assertEquals([await node.slot("B"), ...await node.grubenv()], ["2.0.0", "B/3/0", "B/3/0"]);
  assertEquals(await systemd.sh("cd /run/kubesolo-update; find host mnt -mindepth 2"), "");

  await systemd.boots("B", "trial");
  assertEquals(await start("kubesolo-update-healthcheck.service"), 0, await systemd.said());
  assertEquals(await node.grubenv(), ["B/3/1", "B/3/1"]);
  assertEquals(await property("kubesolo-update-healthcheck.service", "ActiveState"), "active");
});

Deno.test("under systemd, metrics are served within the sandbox, and end at once", async () => {
  await using node = await TestNode.create();
  await using systemd = await Systemd.start(node);
  const port = closedPort();
  const unit = "kubesolo-update-metrics.service";
  await systemd.sh(`
    sed -i 's/metrics$/metrics --listen 127.0.0.1:${port}/' /run/units/${unit}
    systemctl daemon-reload; systemctl start ${unit}`);
  const get = () => fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text());
  await until(() => get().then((text) => text.includes('kubesolo_os_boot_slot{slot="A"} 1')));
  assertEquals(/scrape_problem\{.*\} 1/.test(await get()), false, await get());
  await systemd.systemctl("stop", unit);
  const { stdout } = await systemd.systemctl("show", "--property=Result,ExecMainStatus", unit);
  assertEquals(stdout, "Result=success\nExecMainStatus=0\n");
});

Deno.test("under systemd, a slot that is not well is given up, and the node reboots", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  await using systemd = await Systemd.start(node);
  await systemd.sh(`
    echo 'server=${node.url}' >/etc/kubesolo/update.conf
    echo 'healthcheck_url=${node.url}/nothing' >>/etc/kubesolo/update.conf
    echo 'health_deadline=1' >>/etc/kubesolo/update.conf
    sed -i s/^RestartSec=.*/RestartSec=1/ /run/units/kubesolo-update-healthcheck.service`);
  await systemd.systemctl("daemon-reload");
  await systemd.systemctl("start", "kubesolo-update.service");
  await systemd.boots("B", "trial");
  await systemd.systemctl("start", "--no-block", "kubesolo-update-healthcheck.service");
  assertEquals(await systemd.ended(), "SIGHUP");
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);
});

Deno.test("under systemd, a request of a pod reboots the node, and nothing else in there does", async () => {
  await using node = await TestNode.create();
  await using systemd = await Systemd.start(node);
  const { code, stderr } = await systemd.systemctl("start", "kubesolo-update-reboot.path");
  assertEquals(code, 0, stderr);
  const requests = "/run/kubesolo-update/requests";
  assertEquals(await systemd.sh(`stat --format=%a ${requests}`), "755\n");
  await systemd.sh(`
    sed -i /ExecStartPre/d /run/units/kubesolo-update-reboot.service; systemctl daemon-reload
    echo 'kubesolo-update asks for a reboot' >${requests}/reboot`);
  assertEquals(await systemd.ended(), "SIGHUP");
});

Deno.test("what the units run is in the agent's help", async () => {
  const agent = await compileAgent(Deno.build.arch);
  for (const name of agents) {
    const lines = (await linesOf(name)).filter((line) => line.startsWith("ExecStart="));
    assertEquals(lines.length, 1, name);
    const [program, command, ...rest] = lines[0].slice("ExecStart=".length).split(" ");
    assertEquals(program, "/usr/bin/kubesolo-update");
    const help = await runText(agent, [command, "--help"]);
    for (const flag of rest.filter((word) => word.startsWith("--"))) {
      assertStringIncludes(help, `  ${flag} `, lines[0]);
    }
  }
});
