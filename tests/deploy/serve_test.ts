import { assertEquals, assertMatch } from "@std/assert";
import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { TestNode } from "../cli/_test_node.ts";
import { closedPort } from "../http/_servers.ts";
import { until } from "../until.ts";
import { Systemd } from "./_systemd.ts";

const UNIT = "kubesolo-update-serve.service";
const FILE = `${ROOT}/deploy/serve/${UNIT}`;

/** Highest exposure that is let through, of 100. */
const EXPOSURE = 21;

Deno.test("the unit of the update server is exposed no more than it has to be", async () => {
  const args = ["security", "--offline=true", `--threshold=${EXPOSURE}`, FILE];
  await runText("systemd-analyze", ["--no-pager", ...args]);
});

Deno.test("under systemd, releases are served within the sandbox, and nodes are kept", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  await using systemd = await Systemd.start(node);
  const port = closedPort();
  await systemd.sh(`
    sed 's/ serve$/ serve --listen 127.0.0.1:${port}/' ${FILE} >/etc/systemd/system/${UNIT}
    systemctl daemon-reload; systemctl start ${UNIT}
    cp ${node.www}/* /var/lib/kubesolo/serve/`);
  const verified = await systemd.run("systemd-analyze", "verify", "--man=no", UNIT);
  assertEquals([verified.code, verified.stderr], [0, ""]);
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    const answer = await fetch(`${url}/latest.json`);
    return (await answer.json()).version === "2.0.0";
  });
  const body = '<request protocol="3.0"><app appid="io.kubesolo.os" version="1.0.0" ' +
    'machineid="m1"><ping/></app></request>';
  const headers = { "content-type": "text/xml" };
  const pinged = await fetch(`${url}/v1/update/`, { method: "POST", headers, body });
  assertEquals([pinged.status, /<ping status="ok">/.test(await pinged.text())], [200, true]);
  await systemd.systemctl("restart", UNIT);
  await until(async () => {
    const { nodes } = await (await fetch(`${url}/status.json`)).json();
    return nodes.length === 1 && nodes[0].id === "m1";
  });
  assertMatch(await systemd.sh("ls /var/lib/kubesolo"), /^serve\nserve\.sqlite/m);
  await systemd.systemctl("stop", UNIT);
  const { stdout } = await systemd.systemctl("show", "--property=Result,ExecMainStatus", UNIT);
  assertEquals(stdout, "Result=success\nExecMainStatus=0\n");
});
