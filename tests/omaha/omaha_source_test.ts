import { assert, assertEquals, assertMatch } from "@std/assert";
import { sha256 } from "../core/_recorded_sink.ts";
import {
  APP,
  base64,
  Fleet,
  FleetNode,
  manifestXml,
  NO_UPDATE,
  offerXml,
  packageXml,
  responseXml,
} from "./_fleet.ts";
import { fleetWithPair, INITRAMFS, KERNEL, PAIR } from "./_offered_pair.ts";

Deno.test("two named packages are a release, and are fetched", async () => {
  await using fleet = fleetWithPair();
  using node = new FleetNode(fleet.url);
  const release = await node.latest();
  assertEquals(release, {
    version: "2.0.0",
    minCompatibleVersion: undefined,
    artifacts: [
      { name: "vmlinuz", sha256: sha256(KERNEL), size: KERNEL.length },
      { name: "kubesolo-os.gz", sha256: sha256(INITRAMFS), size: INITRAMFS.length },
    ],
  });
  for (const artifact of release?.artifacts ?? []) {
    assertEquals(await node.fetch(artifact), artifact.sha256);
  }
  assertEquals(fleet.fetched, ["/files/vmlinuz", "/files/kubesolo-os.gz"]);

  const [request] = fleet.asked;
  const [app] = request.apps;
  const machine = app.machineid ?? "";
  assertMatch(machine, /^[0-9a-f]{32}$/);
  assertMatch(`${request.sessionid} ${request.requestid}`, /^\{[-0-9a-f]{36}\} \{[-0-9a-f]{36}\}$/);
  assertEquals({ ...request, sessionid: "", requestid: "" }, {
    version: "kubesolo-update-0.1.0",
    updaterversion: "kubesolo-update-0.1.0",
    installsource: "ondemandupdate",
    ismachine: 1,
    sessionid: "",
    requestid: "",
    userid: machine,
    os: { platform: "KubeSolo OS", arch: "x64" },
    apps: [{
      appid: APP,
      version: "1.0.0",
      board: "amd64-usr",
      track: "stable",
      bootid: "{00000000-0000-4000-8000-000000000001}",
      machineid: machine,
      machinealias: "node-1",
      multi_manifest_ok: true,
      ping: { active: 1 },
      updatecheck: {},
      events: [],
    }],
  });
});

Deno.test("one package of any name is an image; its SHA-256 may stand in the action alone", async () => {
  const action = { sha256: base64(KERNEL, "sha256"), DisablePayloadBackoff: "true" };
  for (const name of ["update.gz", "image", "2.0.0%2B1-abc/root.img", "/root.img"]) {
    await using fleet: Fleet = new Fleet(() => {
      const one = packageXml(name, KERNEL, { hash_sha256: null });
      const manifest = manifestXml("2.0.0", [one], action);
      return new Response(responseXml(offerXml([fleet.url], [manifest])));
    });
    const path = `/${name.replace(/^\//, "")}`;
    fleet.files.set(path, KERNEL);
    using node = new FleetNode(fleet.url);
    const [image] = (await node.latest())?.artifacts ?? [];
    assertEquals(image, { name: "image", sha256: sha256(KERNEL), size: KERNEL.length });
    assertEquals(await node.fetch(image), image.sha256);
    assertEquals(fleet.fetched, [path]);
  }
});

Deno.test("nebraska's main package takes the action's SHA-256, extra files have their own", async () => {
  const main = packageXml("kubesolo-os.gz", INITRAMFS, { hash_sha256: null });
  const extra = [PAIR[0], packageXml("oem.raw", new Uint8Array(5))];
  const action = { sha256: base64(INITRAMFS, "sha256") };
  const manifest = manifestXml("2.0.0", [main, ...extra], action);
  await using fleet = new Fleet(responseXml(offerXml(["http://x/"], [manifest])));
  using node = new FleetNode(fleet.url);
  assertEquals((await node.latest())?.artifacts.map(({ sha256 }) => sha256), [
    sha256(KERNEL),
    sha256(INITRAMFS),
  ]);
});

Deno.test("codebase and name are joined with one slash, however they are written", async () => {
  const forms = ["/files/", "/files", "/files//"];
  for (const codebase of forms) {
    await using fleet = fleetWithPair([codebase]);
    using node = new FleetNode(fleet.url);
    const release = await node.latest();
    await node.fetch(release!.artifacts[0]);
    assertEquals(fleet.fetched, ["/files/vmlinuz"]);
  }
});

Deno.test("what a server holds back at the moment is told from no update", async () => {
  const statuses = [
    "noPackageFound",
    "maxUpdatesPerPeriodLimitReached",
    "maxConcurrentUpdatesLimitReached",
    "maxTimedOutUpdatesLimitReached",
    "updatesDisabled",
  ];
  for (const status of statuses) {
    const app = `appid="${APP}" status="error-${status}"`;
    const check = '<updatecheck status="error-internal"><urls></urls></updatecheck>';
    await using fleet = new Fleet(responseXml(check, app));
    using node = new FleetNode(fleet.url);
    assertEquals(await node.source.latest(), {
      withheld: `the server gives out no update at the moment: error-${status}`,
    });
    assertEquals(node.reporter.warnings, []);
  }
});

Deno.test("no update is none; an interval is kept", async () => {
  await using fleet = new Fleet(
    NO_UPDATE.replace("<urls>", "<urls>").replace(
      'status="noupdate"',
      'status="noupdate" PollInterval="2700"',
    ),
  );
  using node = new FleetNode(fleet.url, { version: "v2026.01.15" });
  assertEquals(await node.latest(), undefined);
  assertEquals(fleet.asked[0].apps[0].version, "2026.1.15", "semantic to the letter");
  const wait = Date.parse(String(node.notes.ask_after)) - Date.now();
  assert(wait > 2_600_000 && wait <= 2_700_000, `${wait}`);

  using waiting = new FleetNode(fleet.url, { disk: node.disk, unattended: true });
  assertEquals(await waiting.source.latest(), {
    withheld: `the server wants to be asked again at ${node.notes.ask_after}, and not before`,
    unasked: true,
  });
  assertEquals(fleet.asked.length, 1, "it was not asked again so soon");
  using person = new FleetNode(fleet.url, { disk: node.disk });
  await person.latest();
  const [first, second] = fleet.asked;
  assertEquals(second.userid, first.userid, "the machine is the same");
  assertEquals(second.sessionid === first.sessionid, false);
});

Deno.test("a ping without a status, as CoreUpdate answers, and one that is not there are fine", async () => {
  for (const ping of ["<ping/>", "", "<ping></ping><event/><event status='ok'/>"]) {
    const answer = NO_UPDATE.replace('<ping status="ok"></ping>', ping);
    assert(answer !== NO_UPDATE);
    await using fleet = new Fleet(answer);
    using node = new FleetNode(fleet.url);
    assertEquals(await node.latest(), undefined);
  }
});

Deno.test("floors are stepping stones, each of which needs the one before it", async () => {
  const image = (version: string) =>
    packageXml(`${version}/root.img`, new TextEncoder().encode(version));
  const manifests = [
    manifestXml("3.0.0", [image("3.0.0")], {}, 'is_target="true"'),
    manifestXml("1.5.0", [image("1.5.0")], {}, 'is_floor="true" floor_reason="schema"'),
    manifestXml("2.5.0", [image("2.5.0")], {}, 'is_floor="true"'),
  ];
  await using fleet: Fleet = new Fleet(() =>
    new Response(responseXml(offerXml([`${fleet.url}/os`], manifests)))
  );
  using node = new FleetNode(fleet.url);
  const newest = await node.latest();
  assertEquals([newest?.version, newest?.minCompatibleVersion], ["3.0.0", "2.5.0"]);
  const stones = await node.source.steppingStones();
  assertEquals(stones.map(({ version, minCompatibleVersion: min }) => [version, min]), [
    ["1.5.0", undefined],
    ["2.5.0", "1.5.0"],
  ]);
  fleet.files.set("/os/1.5.0/root.img", new TextEncoder().encode("1.5.0"));
  const [artifact] = stones[0].artifacts;
  assertEquals(await node.fetch(artifact), artifact.sha256);
});
