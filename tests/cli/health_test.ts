import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BLOCK_LABEL } from "../../mod/kube/mod.ts";
import { nginxAbsent } from "../http/_nginx.ts";
import { ApiServer, TOKEN } from "../kube/_api_server.ts";
import { containerdAbsent, containerdConfig } from "../kube/_containerd.ts";
import { nodeObject, podObject, runningFor } from "../kube/_objects.ts";
import { bootId, ended, type Ran } from "../sandbox.ts";
import { until } from "../until.ts";
import { STATE, TestNode } from "./_test_node.ts";

const KUBECONFIG = "/var/lib/kubesolo/pki/admin/admin.kubeconfig";
const SOCKETS = [
  "/var/lib/kubesolo/containerd/containerd.sock",
  "/run/containerd/containerd.sock",
];
const SCRIPTS = "/etc/kubesolo/health.d";
const ENOUGH = ["--node-name", "edge-1", "--kube-system-seconds", "10"];

/** What each check answered, by name. */
function verdicts({ stdout, stderr }: Ran): Record<string, boolean> {
  const checks: { name: string; passed: boolean }[] = JSON.parse(stdout).checks;
  if (!checks) throw new Error(stderr);
  return Object.fromEntries(checks.map(({ name, passed }) => [name, passed]));
}

/** Starts Debian's containerd inside, at one of the sockets. */
async function startContainerd(node: TestNode, socket: string): Promise<Deno.ChildProcess> {
  const directory = socket.replace(/\/[^/]+$/, "");
  await node.put(`${directory}/config.toml`, containerdConfig(directory, socket));
  const child = node.sandbox.start(
    ...["sh", "-c", `exec containerd --config ${directory}/config.toml >/dev/null 2>&1`],
  );
  try {
    await until(async () => await node.sandbox.sh(`test -S ${socket}`) === "");
  } catch (error) {
    await stop(child);
    throw error;
  }
  return child;
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await ended(child);
}

Deno.test({
  name:
    "the compiled agent asks containerd, the API server, pods and scripts, and confirms the slot",
  ignore: nginxAbsent || containerdAbsent, // where nginx or containerd is not installed
  async fn() {
    await using api = await ApiServer.start();
    await using node = await TestNode.create();
    api.node = nodeObject({ bootID: bootId(2) });
    api.pods = [podObject({ state: runningFor(3600) })];
    await node.put(KUBECONFIG, api.kubeconfig());
    await node.publish({ version: "2.0.0" });
    assertEquals((await node.ask("apply", "--node-name", "edge-1")).code, 0);
    assertEquals((await node.update("activate")).code, 0);
    await node.boots("B", "trial");
    await node.setGrubenv("B", 2, 0);

    await node.sandbox.sh("mkdir /var/lib/kubesolo/containerd");
    await node.put(`${SCRIPTS}/required.d/10-kubeconfig`, `#!/bin/sh\ntest -r "$KUBECONFIG"\n`);
    await node.put(`${SCRIPTS}/required.d/20-once`, `#!/bin/sh\n[ -e /run/ready ] || exit 7\n`);
    await node.put(`${SCRIPTS}/wanted.d/nice`, "#!/bin/sh\necho not nice\nexit 1\n");
    await node.put(`${SCRIPTS}/wanted.d/notes`, "nothing to run");
    await node.sandbox.sh(`chmod +x ${SCRIPTS}/*/*; chmod -x ${SCRIPTS}/wanted.d/notes`);

    const down = await node.update("healthcheck", ...ENOUGH, "--deadline", "1");
    assertEquals(down.code, 60, down.stderr);
    assertMatch(
      down.stderr,
      /containerd: no socket at \S+ or \S+, required.d\/20-once: exit status 7/,
    );
    assertEquals(await node.grubenv(), ["B/2/0", "B/2/0"]);

    const containerd = await startContainerd(node, SOCKETS[0]);
    try {
      const checking = node.sandbox.start(
        ...[node.sandbox.agent, "healthcheck", ...ENOUGH, "--deadline", "60", "--json"],
      );
      const told = new Response(checking.stderr.pipeThrough(
        new TransformStream({
          async transform(bytes, controller) {
            // it was heard that it waits: now the script may succeed
            if (new TextDecoder().decode(bytes).includes("waiting for required.d/20-once")) {
              await node.sandbox.sh("touch /run/ready");
            }
            controller.enqueue(bytes);
          },
        }),
      )).text();
      const stdout = await new Response(checking.stdout).text();
      const well: Ran = { code: (await checking.status).code, stdout, stderr: await told };
      assertEquals(well.code, 0, well.stderr);
      assertEquals(verdicts(well), {
        "data-partition": true,
        "containerd": true,
        "api-server": true,
        "node-ready": true,
        "kube-system": true,
        "required.d/10-kubeconfig": true,
        "required.d/20-once": true,
        "wanted.d/nice": false,
      });
      assertStringIncludes(well.stderr, "waiting for required.d/20-once: exit status 7");
      assertStringIncludes(well.stderr, "warning: health wanted.d/nice: exit status 1: not nice");
      assertStringIncludes(well.stderr, "wanted.d/notes is no health check: not executable");
      assertEquals(await node.grubenv(), ["B/3/1", "B/3/1"]);
    } finally {
      await stop(containerd);
    }
  },
});

Deno.test({
  name:
    "the compiled agent finds the other socket and a pod's account, and what is asked for alone",
  ignore: nginxAbsent || containerdAbsent, // where nginx or containerd is not installed
  async fn() {
    await using api = await ApiServer.start();
    await using node = await TestNode.create();
    api.node = nodeObject({ bootID: bootId(1) });
    const plain = await node.update("healthcheck", "--json");
    assertEquals(verdicts(plain), { "data-partition": true }, "a node without Kubernetes");

    const asked = ["--health-checks", "containerd", "--deadline", "1"];
    assertMatch((await node.update("healthcheck", ...asked)).stderr, /containerd: no socket at/);
    const containerd = await startContainerd(node, SOCKETS[1]);
    try {
      const found = await node.update("healthcheck", "--json");
      assertEquals(verdicts(found), { "data-partition": true, "containerd": true });
    } finally {
      await stop(containerd);
    }

    const account = "/run/secrets/kubernetes.io/serviceaccount";
    const { clusters: [{ cluster }] } = JSON.parse(api.kubeconfig());
    await node.put(`${account}/ca.crt`, atob(cluster["certificate-authority-data"]));
    await node.put(`${account}/..data/token`, `${TOKEN}\n`);
    await node.sandbox.sh(`ln -s ..data/token ${account}/token; test -e /var${account}/token`);
    const { hostname, port } = new URL(api.url);
    const inPod = await node.sandbox.run(
      ...["env", `KUBERNETES_SERVICE_HOST=${hostname}`, `KUBERNETES_SERVICE_PORT=${port}`],
      ...[node.sandbox.agent, "healthcheck", "--json", ...ENOUGH],
    );
    assertEquals(inPod.code, 0, inPod.stderr);
    assertEquals(Object.keys(verdicts(inPod)), [
      ...["data-partition", "api-server", "node-ready", "kube-system"],
    ]);
    const none = await node.update("healthcheck", "--health-checks", "none", "--json");
    assertEquals(verdicts(none), { "data-partition": true });

    const script = `${SCRIPTS}/required.d/hangs`;
    await node.put(script, "#!/bin/sh\nsleep 1000 &\necho $! >/run/child\necho stuck\nwait\n");
    await node.sandbox.sh(`chmod +x ${script}`);
    const late = await node.update("healthcheck", "--timeout", "1", "--deadline", "1");
    assertStringIncludes(
      late.stderr,
      "required.d/hangs: no answer within 1 seconds, killed by SIGKILL: stuck",
    );
    const child = (await node.sandbox.sh("cat /run/child")).trim();
    await until(async () =>
      !/\) [^ZX] /.test(await Deno.readTextFile(`/proc/${child}/stat`).catch(() => ""))
    );
    await node.sandbox.sh(`rm ${script}`);

    const cases: readonly [flags: string[], code: number, says: string][] = [
      [["--health-checks", "containerd,apiserver"], 2, "write none, or some of containerd,api-"],
      [["--node-name", "Edge_1"], 2, "small letters, digits"],
      [["--kubeconfig", "/root/.kube/config"], 2, "/root/.kube/config lies outside of what"],
      [["--containerd-socket", "/run/docker.sock"], 2, "/run/docker.sock lies outside of what"],
      [["--auto-rollback-after", "0"], 2, "write it as a whole number, 1 to 1000"],
      [
        ["--kubeconfig", "/etc/kubesolo/gone", "--deadline", "1"],
        60,
        "api-server: kubeconfig /etc/kubesolo/gone: no such file",
      ],
    ];
    for (const [flags, code, says] of cases) {
      const ran = await node.update("healthcheck", ...flags);
      assertEquals(ran.code, code, ran.stderr);
      assertStringIncludes(ran.stderr, says);
    }
    await node.put(
      "/etc/kubesolo/kubeconfig",
      api.kubeconfig({
        user: { "client-key-data": undefined, "client-key": "/root/admin.key" },
      }),
    );
    const outside = await node.update(
      ...["healthcheck", "--kubeconfig", "/etc/kubesolo/kubeconfig", "--deadline", "1"],
      ...["--health-checks", "api-server"],
    );
    assertStringIncludes(
      outside.stderr,
      "client-key of kubeconfig /etc/kubesolo/kubeconfig: /root/admin.key: it lies outside",
    );
  },
});

Deno.test({
  name: "the node's label holds updates back, before any server is asked, and not for force",
  ignore: nginxAbsent, // where nginx is not installed
  async fn() {
    await using api = await ApiServer.start();
    await using node = await TestNode.create();
    await node.publish({ version: "2.0.0" });
    await node.put(KUBECONFIG, api.tokenKubeconfig());
    await node.put("/etc/kubesolo/update.conf", `server=${node.url}\nnode_name=edge-1\n`);
    api.node = nodeObject({ labels: { [BLOCK_LABEL]: "true" } });
    const refused = await node.update("apply");
    assertEquals(refused.code, 20, refused.stderr);
    assertStringIncludes(refused.stderr, `gate label: wanted no label that blocks updates, found`);
    assertEquals((await node.state()).last_refusal?.found, `${BLOCK_LABEL}=true`);
    assertEquals(node.requests, [], "no server was asked");

    const checked = await node.update("check", "--json");
    assertEquals([checked.code, JSON.parse(checked.stdout).refusal.gate], [20, "label"]);
    assertEquals((await node.update("check", "--force")).code, 10);
    const closed = new Date(Date.now() + 3_600_000).toTimeString().slice(0, 5);
    const later = new Date(Date.now() + 7_200_000).toTimeString().slice(0, 5);
    api.requests.length = 0;
    const window = await node.update("apply", "--maintenance-window", `${closed}-${later}`);
    assertStringIncludes(window.stderr, "gate window");
    assertEquals(api.requests, [], "outside of the window nobody is asked");

    api.node = nodeObject();
    assertEquals((await node.update("check")).code, 10);
    api.intercept = () => new Response("", { status: 500 });
    const broken = await node.update("check");
    assertEquals(broken.code, 10, "what cannot be asked holds nothing back");
    assertStringIncludes(broken.stderr, "warning: the label that blocks updates is not known: ");
    await node.sandbox.sh(`rm ${KUBECONFIG}; rm -f ${STATE}`);
    const alone = await node.update("check");
    assertEquals([alone.code, alone.stderr.includes("label")], [10, false], alone.stderr);
  },
});
