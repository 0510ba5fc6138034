import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import {
  type OmahaAppRequest,
  type OmahaAppResponse,
  parseResponse,
  writeRequest,
} from "../../mod/omaha/mod.ts";
import { APP, bytesOf, putRelease, Served, sha256 } from "./_directory.ts";

async function ask(
  { url }: { readonly url: string },
  app: Partial<OmahaAppRequest>,
  arch = "x64",
): Promise<readonly [status: number, app: OmahaAppResponse]> {
  const body = writeRequest({ os: { arch }, apps: [{ appid: APP, events: [], ...app }] });
  const headers = { "content-type": "text/xml" };
  const answer = await fetch(`${url}/v1/update/`, { method: "POST", headers, body });
  return [answer.status, parseResponse(await answer.text()).apps[0]];
}

/** The versions that are offered, or the status where there is none. */
async function offered(
  served: Served,
  app: Partial<OmahaAppRequest>,
  arch?: string,
): Promise<readonly (string | undefined)[]> {
  const [, { updatecheck }] = await ask(served, { updatecheck: {}, ...app }, arch);
  const versions = updatecheck?.manifests.map(({ version }) => version) ?? [];
  return versions.length > 0 ? versions : [updatecheck?.status];
}

Deno.test("a release's codebase has its packages, its latest.json and the signature", async () => {
  let text = "";
  await using served = await Served.start(async (directory) => {
    text = await putRelease(`${directory}/a b`, { version: "2.0.0+1" });
    await Deno.writeTextFile(`${directory}/a b/latest.json.sig`, "signature");
    await Deno.mkdir(`${directory}/a b/trust`);
    await Deno.writeTextFile(`${directory}/a b/trust/2.json`, "{}");
    await Deno.writeTextFile(`${directory}/a b/trust/key.pem`, "secret");
  });
  const [status, { updatecheck }] = await ask(served, { version: "1.0.0", updatecheck: {} });
  assertEquals([status, updatecheck?.status], [200, "ok"]);
  const [codebase] = updatecheck?.urls ?? [];
  assertMatch(codebase, /^http:\/\/127\.0\.0\.1:\d+\/packages\/2\.0\.0\+1-[0-9a-f]{16}\/$/);
  const [{ packages, actions }] = updatecheck?.manifests ?? [];
  for (const [at, name] of ["vmlinuz", "kubesolo-os.gz"].entries()) {
    const bytes = bytesOf(name, "2.0.0+1");
    const base64 = (kind: string) => createHash(kind).update(bytes).digest("base64");
    assertEquals(packages[at], {
      name,
      hash: base64("sha1"),
      hash_sha256: base64("sha256"),
      size: bytes.length,
      required: true,
    });
    assertEquals(await (await fetch(`${codebase}${name}`)).bytes(), bytes);
  }
  assertEquals(packages.length, 2);
  assertEquals([actions[0].event, actions[0].sha256], ["postinstall", packages[0].hash_sha256]);
  assertEquals(await (await fetch(`${codebase}latest.json`)).text(), text);
  assertEquals(await (await fetch(`${codebase}latest.json.sig`)).text(), "signature");
  assertEquals(await (await fetch(`${codebase}trust/2.json`)).text(), "{}");
  for (const name of ["latest.json.minisig", "trust/key.pem", "trust/3.json", "image", "", ".."]) {
    const answer = await fetch(`${codebase}${name}`);
    assertEquals([answer.status, await answer.text() === "secret"], [404, false], name);
  }
});

Deno.test("each node is offered the newest of its channel and architecture", async () => {
  await using served = await Served.start(async (directory) => {
    await putRelease(`${directory}/1`, { version: "2.9.0" });
    await putRelease(`${directory}/2`, { version: "2.10.0" });
    await putRelease(`${directory}/3`, { version: "3.0.0-rc1", channel: "beta" });
    await putRelease(`${directory}/4`, { version: "2.11.0", architecture: "arm64" });
    await putRelease(`${directory}/5`, {
      version: "4.0.0",
      members: { expires: "2026-01-01T00:00:00Z" },
    });
    await putRelease(`${directory}/6`, {
      version: "2026.01.15",
      members: { channel: undefined, architecture: undefined, release_notes: "x" },
      channel: "calendar",
    });
    await Deno.remove(`${directory}/6`, { recursive: true });
  });
  const cases: readonly [Partial<OmahaAppRequest>, readonly string[], string?][] = [
    [{ version: "1.0.0" }, ["2.10.0"]],
    [{ version: "1.0.0", track: "stable" }, ["2.10.0"]],
    [{ version: "2.10.0" }, ["noupdate"]],
    [{ version: "2.10.1" }, ["noupdate"]],
    [{ version: "1.0.0", track: "beta" }, ["3.0.0-rc1"]],
    [{ version: "1.0.0", track: "alpha" }, ["noupdate"]],
    [{ version: "1.0.0" }, ["2.11.0"], "arm64"],
    [{ version: "1.0.0", board: "arm64-usr" }, ["2.11.0"]],
    [{ version: "1.0.0", board: "amd64-usr" }, ["2.10.0"], ""],
    [{ version: "1.0.0" }, ["noupdate"], "riscv64"],
    [{ version: "1.0.0" }, ["noupdate"], "constructor"],
    [{ version: "1.0.0" }, ["noupdate"], ""],
    [{ version: "1.0.0", updatecheck: { targetversionprefix: "2.9." } }, ["2.9.0"]],
    [{ version: "" }, ["error-internal"]],
    [{ version: "ForcedUpdate" }, ["error-internal"]],
    [{ version: "1.2.3.4" }, ["error-internal"]],
  ];
  for (const [app, versions, arch] of cases) {
    assertEquals(await offered(served, app, arch), versions, JSON.stringify([app, arch]));
  }
});

Deno.test("a node that is too old for the newest is led there", async () => {
  await using served = await Served.start(async (directory) => {
    await putRelease(`${directory}/a`, { version: "1.5.0" });
    await putRelease(`${directory}/b`, { version: "2.0.0", min: "1.5.0" });
    const stone = {
      version: "2.5.0",
      min_compatible_version: "2.0.0",
      vmlinuz_url: "../b/vmlinuz",
      vmlinuz_sha256: sha256(bytesOf("vmlinuz", "2.0.0")),
      initramfs_url: "../b/kubesolo-os.gz",
      initramfs_sha256: sha256(bytesOf("kubesolo-os.gz", "2.0.0")),
    };
    await putRelease(`${directory}/c`, {
      version: "3.0.0",
      min: "2.5.0",
      members: { stepping_stones: [stone] },
    });
  });
  assertEquals(await offered(served, { version: "1.0.0" }), ["1.5.0"]);
  assertEquals(await offered(served, { version: "1.5.0" }), ["2.0.0"]);
  assertEquals(await offered(served, { version: "2.0.0" }), ["2.5.0"]);
  assertEquals(await offered(served, { version: "2.5.0" }), ["3.0.0"]);
  const [, { updatecheck }] = await ask(served, {
    version: "1.0.0",
    multi_manifest_ok: true,
    updatecheck: {},
  });
  const { urls: [codebase], manifests } = updatecheck ?? { urls: [], manifests: [] };
  assertEquals(
    manifests.map(({ version, is_floor, is_target }) => [version, is_floor, is_target]),
    [
      ["1.5.0", true, undefined],
      ["2.0.0", true, undefined],
      ["2.5.0", true, undefined],
      ["3.0.0", undefined, true],
    ],
  );
  for (const { packages, version = "" } of manifests) {
    for (const { name = "", hash_sha256 } of packages) {
      const bytes = await (await fetch(`${codebase}${name}`)).bytes();
      assertEquals(createHash("sha256").update(bytes).digest("base64"), hash_sha256, version);
    }
  }
  const statement = await (await fetch(`${codebase}latest.json`)).json();
  assertEquals(statement.version, "3.0.0");
  await Deno.remove(`${served.directory}/a`, { recursive: true });
  await served.look();
  assertEquals(await offered(served, { version: "1.0.0" }), ["noupdate"]);
  assert(served.said.at(-1)?.includes("no way leads to 3.0.0"), served.said.at(-1));
});

Deno.test("an image is one package", async () => {
  const image = bytesOf("image", "2.0.0");
  await using served = await Served.start(async (directory) => {
    await Deno.writeFile(`${directory}/root.img`, image);
    const latest = { version: "2.0.0", image_url: "root.img", image_sha256: sha256(image) };
    await Deno.writeTextFile(`${directory}/latest.json`, JSON.stringify(latest));
  });
  const [, { updatecheck }] = await ask(served, { version: "1.0.0", updatecheck: {} });
  const [{ packages }] = updatecheck?.manifests ?? [];
  assertEquals(packages.map(({ name, size }) => [name, size]), [["image", image.length]]);
  assertEquals(await (await fetch(`${updatecheck?.urls[0]}image`)).bytes(), image);
});

Deno.test("what is not a known application is told so", async () => {
  await using served = await Served.start((directory) =>
    putRelease(directory, { version: "2.0.0" })
  );
  for (const appid of [APP, `{${APP}}`, APP.toUpperCase()]) {
    assertEquals((await ask(served, { appid, ping: {} }))[0], 200, appid);
  }
  for (const appid of ["", "other", "{e96281a6-d1af-4bde-9a0a-97b76e56dc57}"]) {
    const [status, app] = await ask(served, { appid, version: "1.0.0", updatecheck: {} });
    assertEquals([status, app.status], [400, "error-unknownApplication"], appid);
    assertEquals([app.appid, app.updatecheck], [appid, undefined]);
  }
});

Deno.test("a node's phases follow its events", async () => {
  await using served = await Served.start((directory) =>
    putRelease(directory, { version: "2.0.0" })
  );
  const node = () => {
    const { version, phase, target, errorCode } = served.parts.fleet.get("m1") ?? {};
    return [version, phase, target, errorCode];
  };
  const says = async (version: string, app: Partial<OmahaAppRequest>) => {
    assertEquals((await ask(served, { machineid: "m1", version, ...app }))[0], 200);
    return node();
  };
  const event = (eventtype: number, eventresult: number, errorcode?: number) => ({
    events: [{ eventtype, eventresult, errorcode }],
  });
  assertEquals(await says("1.0.0", { ping: { active: 1 } }), ["1.0.0", "seen", "", 0]);
  const asks = { ping: {}, updatecheck: {} };
  assertEquals(await says("1.0.0", asks), ["1.0.0", "offered", "2.0.0", 0]);
  assertEquals(await says("1.0.0", event(13, 1)), ["1.0.0", "downloading", "2.0.0", 0]);
  assertEquals(await says("1.0.0", asks), ["1.0.0", "downloading", "2.0.0", 0]);
  assertEquals(await says("1.0.0", event(14, 1)), ["1.0.0", "downloaded", "2.0.0", 0]);
  assertEquals(await says("1.0.0", event(800, 1)), ["1.0.0", "installed", "2.0.0", 0]);
  assertEquals(await says("2.0.0", event(3, 2)), ["2.0.0", "updated", "2.0.0", 0]);
  assertEquals(await says("2.0.0", asks), ["2.0.0", "updated", "2.0.0", 0]);
  assertEquals(await says("1.0.0", event(3, 0, 0x8000_0000 + 44)), [
    "1.0.0",
    "rolled back",
    "2.0.0",
    44,
  ]);
  assertEquals(await says("1.0.0", asks), ["1.0.0", "rolled back", "2.0.0", 44]);
  assertEquals(await says("1.0.0", event(3, 0, 2404)), ["1.0.0", "error", "2.0.0", 2404]);
  assertEquals(await says("1.0.0", event(13, 1)), ["1.0.0", "downloading", "2.0.0", 0]);
  assertEquals(await says("3.0.0", asks), ["3.0.0", "up to date", "", 0]);
  assertEquals(await says("3.0.0", event(999, 1)), ["3.0.0", "up to date", "", 0]);
});

Deno.test("update_engine's and go-omaha's requests are answered as their servers answer them", async () => {
  const FLATCAR = "{e96281a6-d1af-4bde-9a0a-97b76e56dc57}";
  await using served = await Served.start(async (directory) => {
    const payload = bytesOf("image", "4230.2.1");
    await Deno.writeFile(`${directory}/update.gz`, payload);
    const latest = { version: "4230.2.1", image_url: "update.gz", image_sha256: sha256(payload) };
    await Deno.writeTextFile(`${directory}/latest.json`, JSON.stringify(latest));
  }, [FLATCAR]);
  const post = async (body: string, headers: HeadersInit = {}, path = "/v1/update/") => {
    const answer = await fetch(`${served.url}${path}`, { method: "POST", headers, body });
    return {
      status: answer.status,
      type: answer.headers.get("content-type"),
      text: await answer.text(),
    };
  };
  const updateEngine = `<?xml version="1.0" encoding="UTF-8"?>
<request protocol="3.0" version="update_engine-0.4.10" updaterversion="update_engine-0.4.10" installsource="scheduler" ismachine="1">
    <os version="Chateau" platform="CoreOS" sp="4152.0.0_x86_64"></os>
    <app appid="${FLATCAR}" version="4152.0.0" track="stable" bootid="{b}" oem="" oemversion="" alephversion="4152.0.0" machineid="0123456789abcdef0123456789abcdef" machinealias="" lang="en-US" board="amd64-usr" hardware_class="" delta_okay="false">
        <ping active="1"></ping>
        <updatecheck targetversionprefix=""></updatecheck>
        <event eventtype="3" eventresult="2" previousversion=""></event>
    </app>
</request>`;
  for (const path of ["/v1/update", "/v1/update/", "/v1/update/deeper"]) {
    const { status, type, text } = await post(updateEngine, { "content-type": "text/xml" }, path);
    assertEquals([status, type], [200, "text/xml; charset=utf-8"], path);
    const { apps: [{ appid, ping, updatecheck, events }] } = parseResponse(text);
    assertEquals([appid, ping, events], [FLATCAR, { status: "ok" }, [{ status: "ok" }]]);
    // it reads the first of each, and wants all of this
    const [manifest] = updatecheck?.manifests ?? [];
    const [action] = manifest.actions;
    assertEquals(manifest.packages.length, 1);
    assertEquals([manifest.version, action.event], ["4230.2.1", "postinstall"]);
    assertEquals(action.sha256, manifest.packages[0].hash_sha256);
    assert((manifest.packages[0].size ?? 0) > 0);
    assertMatch(updatecheck?.urls[0] ?? "", /^http:\/\/127\.0\.0\.1:\d+\/packages\/[^/]+\/$/);
    assert(/required="true"/.test(text) && /DisablePayloadBackoff="true"/.test(text), text);
  }
  const goOmaha = (inside: string) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<request protocol="3.0" installsource="ondemandupdate" ` +
    `ismachine="1" userid="u" sessionid="s" requestid="r"><os platform="CoreOS" version="4152.0.0" ` +
    `arch="x64"/><app appid="${FLATCAR}" version="4152.0.0" track="stable">${inside}</app></request>`;
  const xml = { "content-type": "text/xml; charset=utf-8" };
  const check = await post(goOmaha('<ping active="1"/><updatecheck/>'), xml);
  assertEquals(parseResponse(check.text).apps[0].updatecheck?.status, "ok");
  const event = await post(goOmaha('<event eventtype="13" eventresult="1"/>'), xml);
  assertEquals([event.status, parseResponse(event.text).apps[0].events.length], [200, 1]);
  const same = await post(updateEngine.replaceAll("4152.0.0", "4230.2.1"), xml);
  assertMatch(same.text, /updatecheck status="noupdate"><urls><\/urls>/);

  const bad: readonly (readonly [status: number, body: string, headers: HeadersInit])[] = [
    [400, "", xml],
    [400, "<request>", xml],
    [400, '<response protocol="3.0"/>', xml],
    [400, updateEngine.replace("3.0", "2.0"), xml],
    [400, updateEngine, { "content-type": "application/json" }],
    [400, updateEngine, { "content-type": "text/xml; charset=latin1" }],
    [400, '<request protocol="3.0"/>', xml],
  ];
  for (const [status, body, headers] of bad) {
    assertEquals((await post(body, headers)).status, status, body);
  }
  const get = await fetch(`${served.url}/v1/update/`);
  assertEquals([get.status, await get.text()], [400, "Expected a POST\n"]);
});
