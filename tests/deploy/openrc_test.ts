import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DebianArchive } from "../../tasks/debian_archive.ts";
import { ROOT } from "../../tasks/sources.ts";
import { TestNode } from "../cli/_test_node.ts";
import { closedPort } from "../http/_servers.ts";
import { until } from "../until.ts";

/** Directories in which OpenRC keeps what runs. */
const RUNNING = [
  ...["daemons", "exclusive", "failed", "hotplugged", "inactive", "options", "scheduled"],
  ...["started", "starting", "stopping", "tmp", "wasinactive"],
].map((name) => `/run/openrc/${name}`).join(" ");

/** OpenRC, unpacked and not installed: this machine has another init. */
let openrc: string;

Deno.test.beforeAll(async () => {
  openrc = await Deno.makeTempDir({ prefix: "openrc-test-" });
  const debian = await DebianArchive.open();
  await debian.unpack("amd64", ["openrc", "librc1", "libeinfo1"], openrc);
});

Deno.test.afterAll(() => Deno.remove(openrc, { recursive: true }));

/** A node that OpenRC has booted, as far as OpenRC can tell. */
async function openrcNode(): Promise<TestNode> {
  const node = await TestNode.create();
  try {
    await node.sandbox.sh(`
      for part in lib sbin; do
        mount -t overlay overlay -o lowerdir=${openrc}/$part:/usr/$part /usr/$part
      done
      mkdir -p /run/bin/up /run/bin/work /run/log ${RUNNING}
      mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=/run/bin/up,workdir=/run/bin/work /usr/bin
      touch /usr/bin/kubesolo-update
      mount --bind ${node.sandbox.agent} /usr/bin/kubesolo-update
      printf '#!/bin/sh\\necho rebooted >>/run/reboots\\n' >/run/reboot; chmod +x /run/reboot
      mount --bind /run/reboot /usr/sbin/reboot
      mount --bind /run/log /var/log
      cp ${openrc}/etc/rc.conf /etc
      mount -t tmpfs tmpfs /etc/init.d
      cp ${ROOT}/deploy/openrc/* /etc/init.d
      printf '#!/sbin/openrc-run\nstart() { return 0; }\n' >/etc/init.d/localmount
      chmod +x /etc/init.d/localmount
      mkdir -p /etc/conf.d
      touch /run/openrc/softlevel
      echo 'server=${node.url}' >/etc/kubesolo/update.conf`);
    return node;
  } catch (error) {
    await node[Symbol.asyncDispose]();
    throw error;
  }
}

Deno.test("under OpenRC, a service updates the node again and again until it is stopped", async () => {
  await using node = await openrcNode();
  const service = (...args: readonly string[]) => node.sandbox.run("rc-service", ...args);
  await node.publish({ version: "2.0.0" });
  await node.sandbox.sh(`
    echo 'update_args="--activate --jitter 0.1"' >/etc/conf.d/kubesolo-update
    echo 'respawn_delay=1' >>/etc/conf.d/kubesolo-update`);
  const started = await service("kubesolo-update", "start");
  try {
    assertEquals(started.code, 0, started.stderr);
    await until(async () => (await node.state()).phase === "activated");
    assertEquals([await node.slot("B"), ...await node.grubenv()], ["2.0.0", "B/3/0", "B/3/0"]);
    assertStringIncludes((await service("kubesolo-update", "status")).stdout, "status: started");
    await until(async () =>
      (await node.sandbox.sh("cat /var/log/kubesolo-update.log"))
        .includes("is activated already")
    );
  } finally {
    assertEquals((await service("kubesolo-update", "stop")).code, 0);
  }
  assertEquals((await service("kubesolo-update", "status")).code, 3);
  const here = ["--ns", `${node.sandbox.pid}`, "--nslist", "mnt"];
  const left = await node.sandbox.run("pgrep", ...here, "-f", "kubesolo-update");
  assertEquals([left.code, left.stdout], [1, ""]);
});

Deno.test("under OpenRC, the health check confirms a slot, or gives it up after three tries", async () => {
  await using node = await openrcNode();
  const judge = () => node.sandbox.run("rc-service", "kubesolo-update-healthcheck", "start");
  await node.publish({ version: "2.0.0" });
  await node.update("apply", "--activate");
  await node.boots("B", "trial");
  await node.sandbox.sh(`
    echo 'healthcheck_pause=0' >/etc/conf.d/kubesolo-update-healthcheck
    echo 'health_deadline=1' >>/etc/kubesolo/update.conf
    cp /etc/kubesolo/update.conf /run/good
    echo 'healthcheck_url=${node.url}/nothing' >>/etc/kubesolo/update.conf`);
  const bad = await judge();
  assertEquals(bad.code, 1);
  assertStringIncludes(bad.stderr + bad.stdout, "This boot is not well");
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);
  assertEquals(await node.sandbox.sh("cat /run/reboots"), "rebooted\n");

  await node.boots("A", "normal");
  await node.sandbox.sh("cp /run/good /etc/kubesolo/update.conf");
  await node.publish({ version: "3.0.0" });
  await node.update("apply", "--activate");
  await node.boots("B", "trial");
  const good = await judge();
  assertEquals(good.code, 0, good.stderr);
  assertEquals(await node.grubenv(), ["B/3/1", "B/3/1"]);
});

Deno.test("under OpenRC, a request of a pod reboots the node", async () => {
  await using node = await openrcNode();
  const service = (verb: string) => node.sandbox.run("rc-service", "kubesolo-update-reboot", verb);
  await node.sandbox.sh("sed -i 's/sleep 10/sleep 0.1/g' /etc/init.d/kubesolo-update-reboot");
  const started = await service("start");
  try {
    assertEquals(started.code, 0, started.stderr);
    await node.sandbox.sh("! test -e /run/reboots; echo >/run/kubesolo-update/requests/reboot");
    await until(() => node.sandbox.sh("cat /run/reboots").then((text) => text === "rebooted\n"));
  } finally {
    await service("stop");
  }
});

Deno.test("under OpenRC, metrics are served until they are stopped", async () => {
  await using node = await openrcNode();
  const service = (verb: string) => node.sandbox.run("rc-service", "kubesolo-update-metrics", verb);
  const port = closedPort();
  const args = `metrics_args="--listen 127.0.0.1:${port}"`;
  await node.put("/etc/conf.d/kubesolo-update-metrics", args);
  const get = () => fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text());
  const started = await service("start");
  try {
    assertEquals(started.code, 0, started.stderr);
    await until(() => get().then((text) => text.includes('kubesolo_os_boot_slot{slot="A"} 1')));
  } finally {
    assertEquals((await service("stop")).code, 0);
  }
  await assertRejects(get, TypeError);
});

Deno.test("under OpenRC, install puts services into the runlevel and starts them, once", async () => {
  await using node = await openrcNode();
  const service = (...args: readonly string[]) => node.sandbox.run("rc-service", ...args);
  // a clean node but for one service that was copied from deploy/, and one that somebody wrote
  await node.sandbox.sh(`
    umount /usr/bin/kubesolo-update; rm /usr/bin/kubesolo-update
    mount -t tmpfs tmpfs /usr/local/bin
    cd /etc/init.d; rm kubesolo-update-healthcheck kubesolo-update-metrics
    printf '#!/sbin/openrc-run\nstart() { return 0; }\n' >kubesolo-update-reboot
    mount -t tmpfs tmpfs /etc/runlevels 2>/dev/null || mkdir /etc/runlevels
    mkdir /etc/runlevels/default
    echo 'update_args="--activate --jitter 0.1"' >/etc/conf.d/kubesolo-update
    echo 'metrics_args="--listen 127.0.0.1:${closedPort()}"' >/etc/conf.d/kubesolo-update-metrics`);
  await node.publish({ version: "2.0.0" });
  const install = async (...flags: readonly string[]) => {
    const { code, stdout, stderr } = await node.update("install", "--json", ...flags);
    assertEquals([code, stderr], [0, ""], stdout);
    return JSON.parse(stdout);
  };
  const results = (things: readonly { result: string }[]) => things.map(({ result }) => result);
  try {
    const done = await install();
    assertEquals([done.init, done.executable.result], ["openrc", "installed"]);
    assertEquals(results(done.units), ["replaced", "installed", "installed", "kept"]);
    assertEquals(results(done.services), ["enabled", "enabled", "enabled"]);
    assertEquals(
      (await node.sandbox.sh("ls /etc/runlevels/default; stat --format=%a /etc/init.d/kube*"))
        .split(
          "\n",
        ),
      [
        ...["kubesolo-update", "kubesolo-update-healthcheck", "kubesolo-update-metrics"],
        ...["755", "755", "755", "755", ""],
      ],
    );
    await until(async () => (await node.state()).phase === "activated");
    assertEquals((await service("kubesolo-update-metrics", "status")).code, 0);

    const again = await install();
    assertEquals(again.executable.result, "unchanged");
    assertEquals(results(again.units), ["unchanged", "unchanged", "unchanged", "kept"]);
    assertEquals(results(again.services), ["unchanged", "unchanged", "unchanged"]);
    const doctor = JSON.parse((await node.update("doctor", "--json")).stdout);
    const services = doctor.checks.find(({ name }: { name: string }) => name === "services");
    assertEquals([services.level, services.advice], ["ok", undefined], services.found);
    const forced = await install("--force");
    assertEquals(forced.units[3].backup, "/etc/init.d/kubesolo-update-reboot.bak");
    assertEquals(
      (await node.sandbox.run("rc-service", "kubesolo-update-reboot", "describe")).code,
      0,
    );
  } finally {
    await service("kubesolo-update", "stop");
    await service("kubesolo-update-metrics", "stop");
  }
});
