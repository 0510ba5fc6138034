import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { parse } from "yaml";
import { runText } from "../../tasks/run.ts";
import { TestNode } from "../cli/_test_node.ts";
import { ended } from "../sandbox.ts";
import { Containerd } from "../tasks/_containerd.ts";
import { until } from "../until.ts";
import { type Container, patched, podOf, readManifest, type Resource } from "./_manifests.ts";
import { Pod, type PodOptions, unpackImage } from "./_pod.ts";

let root: string;

Deno.test.beforeAll(async () => {
  root = await Deno.makeTempDir({ prefix: "pod-test-" });
  await Deno.chmod(root, 0o755); // one container is not root
  await unpackImage(root);
});

Deno.test.afterAll(() => Deno.remove(root, { recursive: true }));

/** A workload's pod and its first container, or its first init container. */
function podFrom(workload: Resource) {
  const spec = podOf(workload);
  const container = spec?.initContainers?.[0] ?? spec?.containers[0];
  if (!spec || !container) throw new Error(`${workload.kind} makes no pods`);
  return { spec, container };
}

async function workload(path: string): Promise<Resource> {
  return (await readManifest(path)).find((resource) => podOf(resource)) as Resource;
}

/** The container, without the long wait. */
function atOnce(container: Container): Container {
  return { ...container, args: container.args?.map((arg) => arg === "1800" ? "0.1" : arg) };
}

function options(node: TestNode): PodOptions {
  return { node, root, files: { "update.conf": `server=${node.url}\n` } };
}

Deno.test("the pod of the CronJob updates the node, with its mounts and no others", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const { spec, container } = podFrom(await workload("base/update.yaml"));
  const [{ data }] = await readManifest("base/settings.yaml");
  const conf: string = data["update.conf"].replace(/^server=.*/m, `server=${node.url}`);
  const run = (text: string) =>
    new Pod(spec, { ...options(node), files: { "update.conf": text } }).run(atOnce(container));

  const edge = await run(conf.replace("=stable", "=edge"));
  assertEquals(edge.code, 20, edge.stderr);
  const first = await run(conf);
  assertEquals(first.code, 0, first.stderr);
  assertStringIncludes(
    first.stdout,
    "2.0.0 is staged in slot B, read back and complete; GRUB tries",
  );
  assertEquals([await node.slot("B"), ...await node.grubenv()], ["2.0.0", "B/3/0", "B/3/0"]);
  assertEquals(await node.mounts(), []);
  const again = await run(conf);
  assertEquals(again.code, 0, again.stderr);
  assertStringIncludes(again.stdout, "is activated already");
});

Deno.test("of what privileged means, the agent needs CAP_SYS_ADMIN and block devices, no less", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const { spec, container } = podFrom(await workload("base/update.yaml"));
  const status = async (securityContext: Container["securityContext"], devices: boolean) => {
    const pod = new Pod(spec, { ...options(node), allDevices: devices });
    return await pod.run({ ...container, args: ["apply"], securityContext });
  };
  const base = { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false };
  const least = { drop: ["ALL"], add: ["SYS_ADMIN"] };
  const nothing = await status({ ...base, capabilities: { drop: ["ALL"] } }, true);
  assertEquals(nothing.code, 50);
  assertMatch(nothing.stderr, /mounting .*(?:permission denied|not permitted)/i);
  const noDevice = await status({ ...base, capabilities: least }, false);
  assertEquals(noDevice.code, 50);
  assertMatch(noDevice.stderr, /not permitted .*host\/dev\/loop/);
  const both = await status({ ...base, capabilities: least }, true);
  assertEquals([both.code, await node.slot("B")], [0, "2.0.0"], both.stderr);
});

Deno.test("the pod of the health check confirms the slot, and then only sleeps", async () => {
  await using node = await TestNode.create();
  await using containerd = await Containerd.start();
  await node.sandbox.sh(`
    mkdir -p /var/lib/kubesolo/containerd
    touch /var/lib/kubesolo/containerd/containerd.sock
    mount --bind ${containerd.socket} /var/lib/kubesolo/containerd/containerd.sock`);
  await node.publish({ version: "2.0.0" });
  assertEquals((await node.ask("apply", "--activate")).code, 0);
  await node.boots("B", "trial");
  const { spec, container } = podFrom(await workload("base/healthcheck.yaml"));
  const healthy = await new Pod(spec, options(node)).run(container);
  assertEquals(healthy.code, 0, healthy.stderr);
  assertStringIncludes(healthy.stderr, "health containerd passed");
  assertEquals(await node.grubenv(), ["B/3/1", "B/3/1"]);

  const pod = new Pod(spec, { ...options(node), ownNetwork: true });
  const sleeping = await pod.start(spec.containers[0]);
  await until(async () => (await comm(await pod.pid())) === "busybox\n");
  Deno.kill(await pod.pid(), "SIGKILL");
  assertEquals((await ended(sleeping)).code, 137);
  const [job] = await readManifest("base/healthcheck_job.yaml");
  const byHand = await new Pod(podFrom(job).spec, options(node)).run(podFrom(job).container);
  assertEquals(byHand.code, 0, byHand.stderr);
});

Deno.test("the pod of the metrics serves them on its own network, and ends when it is told", async () => {
  await using node = await TestNode.create();
  await node.update("status"); // makes the directory of the state
  const { spec, container } = podFrom(await workload("base/metrics.yaml"));
  const pod = new Pod(spec, { ...options(node), ownNetwork: true });
  const serving = await pod.start(container);
  const get = async (path: string) => {
    const code =
      `const a = await fetch("http://127.0.0.1:9100${path}"); console.log(await a.text());`;
    const net = `--net=/proc/${await pod.pid()}/ns/net`;
    return await runText("nsenter", [net, "--", Deno.execPath(), "eval", code]);
  };
  await until(async () => (await get("/healthz")).length > 0);
  const metrics = await get("/metrics");
  assertStringIncludes(metrics, 'kubesolo_os_boot_slot{slot="A"} 1');
  assertMatch(metrics, /kubesolo_os_info\{version="1\.0\.0",slot="A"/);
  assertEquals(/kubesolo_update_scrape_problem\{.*\} 1/.test(metrics), false, metrics);
  Deno.kill(await pod.pid(), "SIGTERM");
  assertEquals((await ended(serving)).code, 0);
});

Deno.test("with the reboot on top, an update leaves its request on the node", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const [{ patches }] = await readManifest("reboot/kustomization.yaml");
  const [update, healthcheck] = await Promise.all(
    ["update", "healthcheck"].map((name) => workload(`base/${name}.yaml`)),
  );
  for (const [at, resource] of [update, healthcheck].entries()) {
    const { target, patch } = patches[at];
    assertEquals([target.kind, target.name], [resource.kind, resource.metadata.name]);
    const { spec, container } = podFrom(patched(resource, parse(patch)));
    assertEquals(container.args?.includes("--reboot"), true);
    if (at > 0) continue;
    const pod = () => new Pod(spec, options(node)).run(atOnce(container));
    await assertRejects(pod, Error, "test -d /run/kubesolo-update/requests");
    await node.sandbox.sh("mkdir /run/kubesolo-update/requests");
    const { code, stderr } = await pod();
    assertEquals([code, (await node.state()).phase], [0, "activated"], stderr);
    assertEquals(await node.sandbox.sh("ls /run/kubesolo-update/requests"), "reboot\n");
  }
});

async function comm(pid: number): Promise<string> {
  return await Deno.readTextFile(`/proc/${pid}/comm`);
}
