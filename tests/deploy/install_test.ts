import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../tasks/sources.ts";
import { TestNode } from "../cli/_test_node.ts";
import { Sandbox } from "../sandbox.ts";
import {
  AGENT,
  CONF,
  footprint,
  install,
  type Outcome,
  resultsOf,
  TARGET,
  UNITS,
} from "./_install.ts";
import { Systemd } from "./_systemd.ts";

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
  const again = await run("--server", "http://lan");
  assertMatch(again.stdout, /\nall is in place: nothing was changed\n$/);
  const kept = await run("--server", "http://other");
  assertMatch(kept.stdout, /\n\nnothing was changed\n$/);
  assertStringIncludes(kept.stdout, "what was given now is not in it; --force replaces it");

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
