import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../tasks/sources.ts";
import { TestNode } from "../cli/_test_node.ts";
import { closedPort } from "../http/_servers.ts";
import { Sandbox } from "../sandbox.ts";
import { Systemd } from "./_systemd.ts";
import { until } from "../until.ts";

const AGENT = "/root/kubesolo-update";
const TARGET = "/usr/local/bin/kubesolo-update";
const UNITS = "/etc/systemd/system";
const LOCK = "/var/lib/kubesolo/update/lock";
const CONF = "/etc/kubesolo/update.conf";

interface Outcome {
  readonly init: string;
  readonly executable?: { result: string; from?: string; to: string; note?: string };
  readonly units: readonly { path: string; result: string; note?: string; backup?: string }[];
  readonly settings: { result: string; note?: string };
  readonly services: readonly { name: string; result: string }[];
  readonly next: readonly string[];
}

/** Runs `install` on a node with systemd; what it says it did. */
async function install(systemd: Systemd, ...flags: readonly string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await systemd.run(AGENT, "install", "--json", ...flags);
  assertEquals([code, stderr], [0, ""], stdout);
  return JSON.parse(stdout);
}

function resultsOf({ executable, units, settings, services }: Outcome): string[] {
  const all = [...executable ? [executable] : [], ...units, settings, ...services];
  return [...new Set(all.map(({ result }) => result))];
}

/** Everything that `install` could have touched, with bytes and times. */
function footprint(systemd: Systemd): Promise<string> {
  return systemd.sh(`
    find /usr/local/bin ${UNITS} /etc/kubesolo /root -printf '%p %m %i %T@ %l\\n' | sort
    find /usr/local/bin ${UNITS} /etc/kubesolo -type f | sort | xargs -r sha256sum`);
}

Deno.test("one file that was copied to a node with systemd becomes its agent", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  await using systemd = await Systemd.start(node, "bare");
  const untouched = await footprint(systemd);
  const planned = await install(systemd, "--dry-run", "--server", node.url);
  assertEquals(resultsOf(planned), ["installed", "enabled"]);
  assertEquals(await footprint(systemd), untouched, "--dry-run");

  const done = await install(systemd, "--server", node.url);
  assertEquals({ ...done, dry_run: true }, { ...planned, dry_run: true });
  assertEquals([done.init, done.next], ["systemd", []]);
  const [modes, sums] = [
    await systemd.sh(`stat --format=%a:%u ${TARGET} ${CONF} ${UNITS}/kubesolo-update.timer`),
    await systemd.sh(`sha256sum ${TARGET} ${AGENT} | cut -d' ' -f1 | uniq | wc -l`),
  ];
  assertEquals([modes.split("\n"), sums.trim()], [["755:0", "600:0", "644:0", ""], "1"]);
  assertStringIncludes(await systemd.sh(`cat ${CONF}`), `\nserver=${node.url}\n`);
  const left = await systemd.sh("find / -xdev -name '*.new'; ls /run/kubesolo-update; mount");
  assertEquals(/\.new$|\bself\b/m.test(left), false, left);

  // what is there is deploy/, but for the path
  const names = await Array.fromAsync(Deno.readDir(`${ROOT}/deploy/systemd`), ({ name }) => name);
  assertEquals(done.units.map(({ path }) => path), names.sort().map((name) => `${UNITS}/${name}`));
  for (const name of names) {
    const wanted = await Deno.readTextFile(`${ROOT}/deploy/systemd/${name}`);
    const found = await systemd.sh(`cat ${UNITS}/${name}`);
    const [seal] = found.slice(-200).match(/^# installed by .*\n$/m) ?? [""];
    assertEquals(found, wanted.replaceAll("/usr/bin/kubesolo-update", TARGET) + seal);
  }
  const verified = await systemd.run(
    ...["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", ...names],
  );
  assertEquals([verified.code, verified.stderr], [0, ""]);
  const active = await systemd.systemctl("is-active", "kubesolo-update.timer");
  assertEquals(active.stdout, "active\n");
  const updated = await systemd.systemctl("start", "kubesolo-update.service");
  assertEquals(updated.code, 0, await systemd.said());
  assertEquals([await node.slot("B"), ...await node.grubenv()], ["2.0.0", "B/3/0", "B/3/0"]);

  const before = await footprint(systemd);
  const again = await install(systemd);
  assertEquals([resultsOf(again), again.next], [["unchanged"], []]);
  assertEquals(await footprint(systemd), before);
  const { stdout } = await systemd.run(AGENT, "install");
  assertStringIncludes(stdout, "\nall is in place: nothing was changed\n");
});

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

Deno.test("what somebody has changed stays, and an older agent makes room for a newer one", async () => {
  await using node = await TestNode.create();
  await using systemd = await Systemd.start(node, "bare");
  const first = await install(systemd);
  assertEquals(first.next, [`name the update server: server=… in ${CONF}`]);

  const service = `${UNITS}/kubesolo-update.service`;
  await systemd.sh(`
    sed -i 's/--activate/--reboot/' ${service}
    systemctl disable --now kubesolo-update-metrics.service
    rm ${UNITS}/kubesolo-update-metrics.service
    systemctl mask kubesolo-update-metrics.service
    echo 'server=http://mine' >${CONF}
    sed -i '2s/version": "0.1.0"/version": "0.0.9"/; s/"version": "0.1.0"/"version": "0.0.9"/' ${TARGET}
    rm ${UNITS}/timers.target.wants/kubesolo-update.timer`);
  const same = await install(systemd, "--server", "http://mine", "--dry-run");
  assertEquals(same.settings.result, "unchanged", "it says so already");
  const kept = await install(systemd, "--server", "http://other");
  const fate = (outcome: Outcome, name: string) =>
    outcome.units.find(({ path }) => path.endsWith(`/${name}`));
  assertEquals([kept.executable?.from, kept.executable?.result], ["0.0.9", "replaced"]);
  assertEquals(fate(kept, "kubesolo-update.service")?.note, "somebody has changed it");
  assertEquals(fate(kept, "kubesolo-update-metrics.service")?.result, "kept");
  assertEquals(kept.services.map(({ result }) => result), ["enabled", "unchanged", "masked"]);
  assertEquals([kept.settings.result, kept.next.length], ["kept", 2], kept.next.join("\n"));
  assertMatch(await systemd.sh(`cat ${CONF} ${service}`), /^server=http:\/\/mine\n[^]*--reboot\n/);

  const forced = await install(systemd, "--server", "http://other", "--force");
  const { backup } = fate(forced, "kubesolo-update.service") ?? {};
  assertEquals(backup, `${service}.bak`);
  assertMatch(
    await systemd.sh(`cat ${CONF}.bak ${backup}`),
    /^server=http:\/\/mine\n[^]*--reboot\n/,
  );
  const after = await install(systemd);
  assertEquals(resultsOf(after), ["unchanged", "kept", "masked"], "a mask is not forced");
  assertEquals(after.next, []);

  // copied by hand, as it lies in deploy/
  await systemd.sh(`cp ${ROOT}/deploy/systemd/kubesolo-update.service ${service}`);
  assertEquals(fate(await install(systemd), "kubesolo-update.service")?.result, "replaced");

  await systemd.sh(`sed -i 's/"version": "0.1.0"/"version": "9.1.0"/' ${TARGET}`);
  const before = await footprint(systemd);
  const refused = await systemd.run(AGENT, "install");
  assertEquals(refused.code, 20, refused.stdout);
  assertStringIncludes(
    refused.stderr,
    "9.1.0 is installed, and this is 0.1.0; nothing was touched",
  );
  assertEquals(await footprint(systemd), before);
  const back = await install(systemd, "--force");
  assertEquals([back.executable?.from, back.executable?.to], ["9.1.0", "0.1.0"]);
  await systemd.sh(`echo more >>${TARGET}`);
  assertMatch((await install(systemd)).executable?.note ?? "", /^another build of 0.1.0: /);
});

Deno.test("an install that is cut off leaves what was there, and goes on when it is run again", async () => {
  await using node = await TestNode.create();
  await using systemd = await Systemd.start(node, "bare");
  await systemd.sh(`echo old >${TARGET}`);
  await systemd.sh(`
    ${AGENT} install --force & agent=$!
    until [ -e ${TARGET}.new ]; do [ -d /proc/$agent ] || exit 1; done
    kill -KILL $agent; wait $agent || true`);
  assertEquals(
    await systemd.sh(`cat ${TARGET}; ls /usr/local/bin ${UNITS}`),
    [
      ...["old", "/etc/systemd/system:", "", "/usr/local/bin:"],
      ...["kubesolo-update", "kubesolo-update.new", ""],
    ].join("\n"),
  );
  const foreign = await systemd.run(AGENT, "install");
  assertEquals([foreign.code, await systemd.sh(`cat ${TARGET}`)], [20, "old\n"]);
  assertStringIncludes(foreign.stderr, "it is no executable of the agent; nothing was touched");
  const forced = await install(systemd, "--force");
  assertEquals(resultsOf(forced), ["replaced", "installed", "enabled"]);
  assertEquals(
    await systemd.sh("ls /usr/local/bin; mount | grep self || true"),
    "kubesolo-update\n",
  );

  // no room, and no writing at all
  for (const options of ["size=20m", "size=200m,ro"]) {
    await systemd.sh(`
      mount -t tmpfs -o size=20m tmpfs /usr/local/bin; echo old >${TARGET}
      mount -o remount,${options} /usr/local/bin`);
    const failed = await systemd.run(AGENT, "install", "--force");
    assertEquals(failed.code, 50, failed.stderr);
    assertMatch(
      failed.stderr,
      /^kubesolo-update install: writing \/usr\/local\/bin\/kubesolo-update: .*(No space left|Read-only).*; see that its file system/,
    );
    assertEquals(await systemd.sh("cd /usr/local/bin; ls; cat *"), "kubesolo-update\nold\n");
    await systemd.sh("umount /usr/local/bin");
  }
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

Deno.test("on KubeSolo OS only the settings are made; others than root are turned away", async () => {
  await using sandbox = await Sandbox.create();
  const run = (...args: string[]) => sandbox.run("/run/agent", "install", ...args);
  await sandbox.sh(`cp ${sandbox.agent} /run/agent; chmod 755 /run/agent`);
  const { code, stdout, stderr } = await run("--json", "--server", "http://lan", "--tag", "edge");
  assertEquals(code, 0, stderr);
  const outcome: Outcome = JSON.parse(stdout);
  assertEquals(
    [outcome.init, outcome.executable, outcome.units, outcome.services],
    ["kubesolo", undefined, [], []],
  );
  assertMatch(outcome.next[0], /^nothing else: KubeSolo's init /);
  assertMatch(await sandbox.sh(`cat ${CONF}`), /\nserver=http:\/\/lan\n[^]*\ntag=edge\n/);
  const config = await sandbox.update("config", "--json");
  assertEquals([config.code, JSON.parse(config.stdout).warnings], [0, []]);

  const cases: readonly [exit: number, says: string, args: readonly string[]][] = [
    [2, "--channel: ", ["--channel", "a b"]],
    [2, "Allowed choices are auto, systemd, openrc, kubesolo", ["--init", "runit"]],
    [2, "Allowed choices are /usr/local, /usr", ["--prefix", "/opt"]],
  ];
  for (const [exit, says, args] of cases) {
    const wrong = await run(...args);
    assertEquals(wrong.code, exit, wrong.stderr);
    assertStringIncludes(wrong.stderr, says);
  }
  const nobody = await sandbox.run("setpriv", "--reuid=65534", "/run/agent", "install");
  assertEquals(nobody.code, 20, nobody.stderr);
  assertStringIncludes(nobody.stderr, "somebody else than root runs it; nothing was touched");

  await sandbox.boot({ commandLine: "quiet", id: "00000000-0000-4000-8000-000000000002" });
  const nothing = await run();
  assertEquals(nothing.code, 2, nothing.stdout);
  assertStringIncludes(nothing.stderr, "name it: --init systemd, openrc or kubesolo");
});
