import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { errorCodeOf } from "../../mod/omaha/mod.ts";
import { pattern, RecordedSink, sha256 } from "../core/_recorded_sink.ts";
import { serve, serveRaw } from "../http/_servers.ts";
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

const KERNEL = pattern(300_000);
const INITRAMFS = pattern(500_000).map((byte) => byte ^ 0x55);
const PAIR = [packageXml("vmlinuz", KERNEL), packageXml("kubesolo-os.gz", INITRAMFS)];

/** A server that offers 2.0.0 as the pair; `codebases` stand behind its own address. */
function fleetWithPair(codebases: readonly string[] = ["/files/"]): Fleet {
  const fleet: Fleet = new Fleet(() => {
    const urls = codebases.map((path) => path.includes("://") ? path : `${fleet.url}${path}`);
    return new Response(responseXml(offerXml(urls, [manifestXml("2.0.0", PAIR)])));
  });
  fleet.files.set("/files/vmlinuz", KERNEL);
  fleet.files.set("/files/kubesolo-os.gz", INITRAMFS);
  return fleet;
}

async function refusal(
  fleet: Fleet,
): Promise<readonly [code: string, errorcode: number, found: string]> {
  using node = new FleetNode(fleet.url);
  const error = await assertRejects(() => node.source.latest(), UpdateError);
  return [error.code, errorCodeOf(error), error.found];
}

Deno.test("two named packages are a release, and are fetched", async () => {
  await using fleet = fleetWithPair();
  using node = new FleetNode(fleet.url);
  const release = await node.source.latest();
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
    const [image] = (await node.source.latest())?.artifacts ?? [];
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
  assertEquals((await node.source.latest())?.artifacts.map(({ sha256 }) => sha256), [
    sha256(KERNEL),
    sha256(INITRAMFS),
  ]);
});

Deno.test("codebase and name are joined with one slash, however they are written", async () => {
  const forms = ["/files/", "/files", "/files//"];
  for (const codebase of forms) {
    await using fleet = fleetWithPair([codebase]);
    using node = new FleetNode(fleet.url);
    const release = await node.source.latest();
    await node.fetch(release!.artifacts[0]);
    assertEquals(fleet.fetched, ["/files/vmlinuz"]);
  }
});

Deno.test("no update is none, also where the server has a reason; an interval is kept", async () => {
  for (
    const status of ["noPackageFound", "maxUpdatesPerPeriodLimitReached", "updatesDisabled"]
  ) {
    const app = `appid="${APP}" status="error-${status}"`;
    const check = '<updatecheck status="error-internal"><urls></urls></updatecheck>';
    await using fleet = new Fleet(responseXml(check, app));
    using node = new FleetNode(fleet.url);
    assertEquals(await node.source.latest(), undefined);
    assertStringIncludes(node.reporter.warnings.join(), `nothing now: error-${status}`);
  }
  await using fleet = new Fleet(
    NO_UPDATE.replace("<urls>", "<urls>").replace(
      'status="noupdate"',
      'status="noupdate" PollInterval="2700"',
    ),
  );
  using node = new FleetNode(fleet.url, { version: "v2026.01.15" });
  assertEquals(await node.source.latest(), undefined);
  assertEquals(fleet.asked[0].apps[0].version, "2026.1.15", "semantic to the letter");
  const wait = Date.parse(String(node.notes.ask_after)) - Date.now();
  assert(wait > 2_600_000 && wait <= 2_700_000, `${wait}`);

  using waiting = new FleetNode(fleet.url, { disk: node.disk, unattended: true });
  assertEquals(await waiting.source.latest(), undefined);
  assertEquals(fleet.asked.length, 1, "it was not asked again so soon");
  using person = new FleetNode(fleet.url, { disk: node.disk });
  await person.source.latest();
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
    assertEquals(await node.source.latest(), undefined);
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
  const newest = await node.source.latest();
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

Deno.test("answers that are none are refused, each with its own number", async () => {
  const entities = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + NO_UPDATE.slice(39);
  const cases: readonly (readonly [answer: string, errorcode: number, found: RegExp])[] = [
    ["", 30, /empty/],
    ["<html>hello</html>", 31, /<response> was wanted/],
    [NO_UPDATE.slice(0, -20), 31, /no well-formed XML/],
    [entities, 31, /document type/],
    [NO_UPDATE.replace("3.0", "2.0"), 31, /protocol/],
    [responseXml("<x/>".repeat(20_000)), 31, /elements/],
    [NO_UPDATE.replace("nebraska", "\u0000"), 31, /control character/],
    [NO_UPDATE.replace(APP, APP.toUpperCase()), 34, /another application/],
    [NO_UPDATE.replace(/<app.*app>/, ""), 34, /another application .*: none/],
    [NO_UPDATE.padEnd(1_048_577, " "), 34, /more than 1048576 bytes/],
    [responseXml(""), 34, /no answer about an update/],
    [NO_UPDATE.replace("noupdate", "error-osnotsupported"), 34, /error-osnotsupported/],
    [responseXml("", `appid="${APP}" status="error-unknownApplication"`), 34, /unknownApplic/],
  ];
  for (const [answer, errorcode, found] of cases) {
    await using fleet = new Fleet(answer);
    const [code, number, message] = await refusal(fleet);
    assertEquals(number, errorcode, message);
    assertEquals(code, errorcode === 34 && !/than/.test(message) ? "source" : "verification");
    assertMatch(message, found);
  }
  await using whole = new Fleet(NO_UPDATE.padEnd(1_048_576, " "));
  using node = new FleetNode(whole.url);
  assertEquals(await node.source.latest(), undefined);
});

Deno.test("exactly 200 is taken; what may pass is asked again, seven times with growing waits", async () => {
  for (const status of [201, 204, 302, 400, 403, 404, 501]) {
    const unknown = responseXml("", `appid="${APP}" status="error-unknownApplication"`);
    const body = status === 204 || status === 302 ? null : unknown;
    const headers = { location: "http://127.0.0.1:1/" };
    await using fleet = new Fleet(() => new Response(body, { status, headers }));
    const [code, errorcode, found] = await refusal(fleet);
    assertEquals([code, errorcode, fleet.asked.length], ["source", 2000 + status, 1]);
    assertStringIncludes(found, String(status));
    if (body) assertStringIncludes(found, "error-unknownApplication");
  }
  for (const status of [408, 429, 500, 502, 503, 504]) {
    await using fleet = new Fleet((_, count) =>
      count > 7 ? new Response(NO_UPDATE) : new Response("busy", { status })
    );
    using node = new FleetNode(fleet.url);
    assertEquals(await node.source.latest(), undefined);
    assertEquals(node.waits.length, 7);
    node.waits.forEach((wait, at) => {
      assert(wait >= 500 * 2 ** at && wait <= 1500 * 2 ** at, `${at}: ${wait}`);
    });
  }
  await using dead = new Fleet(() => new Response("busy", { status: 503 }));
  const [code, errorcode, found] = await refusal(dead);
  assertEquals([code, errorcode, dead.asked.length], ["source", 2503, 8]);
  assertStringIncludes(found, "503, 8 times in a row");
});

Deno.test("half an answer, and none at all, are no answers", async () => {
  await using half = serveRaw(async ({ send }) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${NO_UPDATE.length}\r\n\r\n`);
    await send(NO_UPDATE.slice(0, 100));
  });
  using node = new FleetNode(half.url);
  const error = await assertRejects(() => node.source.latest(), UpdateError);
  assertEquals([error.code, errorCodeOf(error), half.heads.length], ["source", 2, 4]);
  assertStringIncludes(error.found, "4 times in a row");
});

Deno.test("all codebases are tried in turn", async () => {
  await using other = new Fleet("");
  other.files.set("/vmlinuz", KERNEL);
  const dead = "http://127.0.0.1:1/";
  await using fleet = fleetWithPair([dead, "/nothing/", "/files/"]);
  using node = new FleetNode(fleet.url);
  const release = await node.source.latest();
  assertEquals(await node.fetch(release!.artifacts[0]), sha256(KERNEL));
  assertEquals(fleet.fetched, ["/nothing/vmlinuz", "/files/vmlinuz"]);

  await using none = fleetWithPair(["/a/", "/b/"]);
  using lost = new FleetNode(none.url);
  const [artifact] = (await lost.source.latest())!.artifacts;
  const error = await assertRejects(() => lost.fetch(artifact), UpdateError);
  assertEquals([error.code, errorCodeOf(error)], ["source", 2404]);
  assertEquals(none.fetched, ["/a/vmlinuz", "/b/vmlinuz"]);
});

Deno.test("a codebase that sends wrong bytes is left for the next one; the last one's are refused", async () => {
  const wrong = KERNEL.slice();
  wrong[wrong.length - 1] ^= 1;
  for (const [bytes, errorcode] of [[wrong, 10], [KERNEL.slice(1), 11], [pattern(300_001), 11]]) {
    await using fleet = fleetWithPair(["/bad/", "/files/"]);
    fleet.files.set("/bad/vmlinuz", bytes as Uint8Array<ArrayBuffer>);
    using node = new FleetNode(fleet.url);
    const [kernel] = (await node.source.latest())!.artifacts;
    const sink = new RecordedSink();
    assertEquals(await node.fetch(kernel, sink), kernel.sha256);
    assertEquals(fleet.fetched, ["/bad/vmlinuz", "/files/vmlinuz"]);
    assertEquals(sink.restarts, errorcode === 10 ? 1 : 0);

    fleet.files.set("/files/vmlinuz", bytes as Uint8Array<ArrayBuffer>);
    using again = new FleetNode(fleet.url);
    await again.source.latest();
    const error = await assertRejects(() => again.fetch(kernel), UpdateError);
    assertEquals([error.code, errorCodeOf(error)], ["verification", errorcode], error.message);
  }
});

Deno.test("more bytes than were promised are too many, also where nobody has said how many come", async () => {
  await using files = serve(() => new Response(new Blob([KERNEL, KERNEL]).stream()));
  await using fleet = fleetWithPair([`${files.url}/`]);
  using node = new FleetNode(fleet.url);
  const [kernel] = (await node.source.latest())!.artifacts;
  const error = await assertRejects(() => node.fetch(kernel), UpdateError);
  assertEquals([error.code, errorCodeOf(error)], ["verification", 11], error.message);
});

Deno.test("a SHA-1 that lies is found, also over two connections", async () => {
  const lie = packageXml("root.img", KERNEL, { hash: base64(INITRAMFS, "sha1") });
  let count = 0;
  await using files = serveRaw(async ({ head, send }) => {
    const from = Number(/range: bytes=(\d+)-/.exec(head)?.[1] ?? 0);
    const part = KERNEL.subarray(from, count++ === 0 ? 100_000 : undefined);
    const range = `content-range: bytes ${from}-${KERNEL.length - 1}/${KERNEL.length}\r\n`;
    await send(
      `HTTP/1.1 ${from ? `206 x\r\n${range}` : "200 OK\r\n"}etag: "a"\r\n` +
        `content-length: ${KERNEL.length - from}\r\n\r\n`,
    );
    await send(part);
  });
  await using fleet = new Fleet(
    responseXml(offerXml([files.url], [manifestXml("2.0.0", [lie])])),
  );
  using node = new FleetNode(fleet.url);
  const [image] = (await node.source.latest())!.artifacts;
  const error = await assertRejects(() => node.fetch(image), UpdateError);
  assertEquals([error.code, errorCodeOf(error), count], ["verification", 10, 2], error.message);
  assertMatch(error.found, /^SHA-1 /);
});

Deno.test("what an earlier run has fetched is gone on with", async () => {
  await using fleet = fleetWithPair();
  using node = new FleetNode(fleet.url);
  const [kernel] = (await node.source.latest())!.artifacts;
  const sink = new RecordedSink({ left: KERNEL.subarray(0, 1000) });
  assertEquals(await node.fetch(kernel, sink), kernel.sha256);
  assertEquals([sink.bytes.length, sink.restarts], [KERNEL.length, 0]);
});
