import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestNode } from "../cli/_test_node.ts";
import { closedPort } from "../http/_servers.ts";
import { until } from "../until.ts";
import { AGENT, CONF, footprint, install, LOCK, TARGET, UNITS } from "./_install.ts";
import { Systemd } from "./_systemd.ts";

Deno.test("doctor says whether the agent is installed, and --uninstall takes it away again", async () => {
  await using node = await TestNode.create();
  await using systemd = await Systemd.start(node, "bare");
  const services = async () => {
    const { stdout } = await systemd.run(AGENT, "doctor", "--json");
    const { checks } = JSON.parse(stdout);
    const check = checks.find(({ name }: { name: string }) => name === "services");
    return `${check.level}: ${check.found}`;
  };
  const untouched = await footprint(systemd);
  assertEquals(await services(), `warning: no ${TARGET}`);
  const nothing = await systemd.run(AGENT, "install", "--uninstall");
  assertStringIncludes(nothing.stdout, "\nnothing is here: nothing was changed\n");

  await install(systemd);
  assertMatch(
    await services(),
    /^ok: \/usr\/local\/bin\/kubesolo-update; process 1 is systemd, its files/,
  );
  await systemd.systemctl("disable", "kubesolo-update.timer");
  assertEquals(await services(), "warning: kubesolo-update.timer is not enabled");
  await systemd.sh(`rm ${UNITS}/kubesolo-update.service`);
  assertMatch(await services(), /^warning: no \/etc\/systemd\/system\/kubesolo-update.service; /);
  await install(systemd);
  assertMatch(await services(), /^ok: /);

  await until(async () => (await systemd.run("flock", "-n", LOCK, "true")).code === 0);
  const dry = await install(systemd, "--uninstall", "--dry-run");
  assertMatch(await services(), /^ok: /);
  const gone = await install(systemd, "--uninstall");
  assertEquals({ ...gone, dry_run: true }, { ...dry, dry_run: true });
  assertEquals(gone.services.map(({ result }) => result), ["disabled", "disabled", "disabled"]);
  assertEquals(await services(), `warning: no ${TARGET}`);
  const left = (await systemd.systemctl("list-units", "--all", "--plain", "--no-legend", "kube*"))
    .stdout.split("\n").filter((line) => line && !line.includes("not-found"));
  assertEquals(left, []);
  await systemd.sh(`rm ${CONF}`);
  const paths = (text: string) => text.split("\n").map((line) => line.split(" ")[0]);
  assertEquals(paths(await footprint(systemd)), paths(untouched));
});

Deno.test("an install that failed leaves nothing on the old executable, and --uninstall stops all", async () => {
  await using node = await TestNode.create();
  await using systemd = await Systemd.start(node, "bare");
  // forbidden for this boot only
  await systemd.systemctl("mask", "--runtime", "kubesolo-update-healthcheck.service");
  const metrics = "kubesolo-update-metrics.service";
  const [drop, full] = [`/run/systemd/system/${metrics}.d`, `${UNITS}/kubesolo-update.timer`];
  await systemd.sh(`
    mkdir -p ${drop}
    printf '[Service]\nExecStart=\nExecStart=${TARGET} metrics --listen 127.0.0.1:${closedPort()}\n' \
      >${drop}/port.conf`);
  const planned = await install(systemd, "--dry-run");
  assertEquals(planned.services.map(({ result }) => result), ["enabled", "masked", "enabled"]);
  await install(systemd);
  const running = () =>
    systemd.sh(`readlink /proc/$(systemctl show --property MainPID --value ${metrics})/exe`);
  await until(async () => await running() === `${TARGET}\n`);

  await systemd.sh(`
    sed -i 's/"version": "0.1.0"/"version": "0.0.9"/' ${TARGET}
    systemctl restart ${metrics}
    rm ${full}; mkdir ${full}.new; touch ${full}.new/full`);
  const failed = await systemd.run(AGENT, "install");
  assertEquals(failed.code, 50, failed.stderr);
  await until(async () => await running() === `${TARGET}\n`);
  await systemd.sh(`rm ${full}.new/full; rmdir ${full}.new`);
  const pid = () => systemd.sh(`systemctl show --property MainPID --value ${metrics}`);
  const before = await pid();
  assertEquals((await install(systemd)).executable?.result, "unchanged");
  await until(async () => ![before, "0\n"].includes(await pid()));

  await systemd.systemctl("disable", metrics);
  await until(async () => (await systemd.run("flock", "-n", LOCK, "true")).code === 0);
  await install(systemd, "--uninstall");
  assertEquals((await systemd.systemctl("is-active", metrics)).stdout, "inactive\n");
});

Deno.test("there is no second agent, and what is none is not removed", async () => {
  await using node = await TestNode.create();
  await using systemd = await Systemd.start(node, "bare");
  await install(systemd);
  const second = await systemd.run(AGENT, "install", "--prefix", "/usr");
  assertEquals(second.code, 20, second.stdout);
  assertStringIncludes(second.stderr, `${TARGET} is here already, 0.1.0; nothing was touched`);
  await install(systemd, "--prefix", "/usr", "--force");
  await until(async () => (await systemd.run("flock", "-n", LOCK, "true")).code === 0);
  await install(systemd, "--uninstall");
  const left = "find /usr/bin /usr/local/bin -name 'kubesolo-update*'";
  assertEquals(await systemd.sh(left), "");

  await systemd.sh(`ln -s ${AGENT} ${TARGET}`);
  const link = await systemd.run(AGENT, "install");
  assertEquals(link.code, 20, link.stdout);
  assertStringIncludes(link.stderr, `replacing ${TARGET}: it is a link`);
  const kept = await install(systemd, "--uninstall");
  assertEquals(kept.executable?.result, "kept");
  assertEquals(await systemd.sh(`readlink ${TARGET}`), `${AGENT}\n`);
});
