import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  isStrictVersion,
  MAX_DOCUMENT_BYTES,
  packageHandler,
  parseResponse,
  servedFile,
  type ServedPackage,
} from "../../mod/omaha/mod.ts";
import { document, post, URL_UPDATE } from "./_requests.ts";

const BYTES = new TextEncoder().encode("0123456789");
const PACKAGE: ServedPackage = {
  version: "2.0.0",
  size: BYTES.length,
  modified: new Date("2026-01-02T03:04:05.678Z"),
  tag: "abc",
  hash: "sha1=",
  hash_sha256: "sha256=",
  open: (offset, length) =>
    Promise.resolve(new Blob([BYTES.slice(offset, offset + length)]).stream()),
};

Deno.test("the package server answers each version as go-omaha's does", async () => {
  const said: string[] = [];
  const handle = packageHandler(PACKAGE, (client, words) => said.push(`${client} ${words}`));
  const ask = async (version: string) => {
    const answer = await handle(post(document({ version, updatecheck: {} })), "me");
    assertEquals(answer.status, 200);
    assertEquals(answer.headers.get("content-type"), "text/xml; charset=utf-8");
    const text = await answer.text();
    const { apps: [app] } = parseResponse(text);
    assertEquals([app.appid, app.status], ["a", "ok"]);
    return { text, check: app.updatecheck };
  };
  for (const older of ["1.0.0", "2.0.0-rc1", "0.0.0"]) {
    const { check } = await ask(older);
    assertEquals(check, {
      status: "ok",
      urls: ["http://host:8000/packages/"],
      manifests: [{
        version: "2.0.0",
        packages: [
          { name: "update.gz", hash: "sha1=", hash_sha256: "sha256=", size: 10, required: true },
        ],
        actions: [{ event: "postinstall", sha256: "sha256=", DisablePayloadBackoff: true }],
      }],
    });
  }
  for (const same of ["2.0.0", "2.0.0+build5", "10.0.0"]) {
    const { check, text } = await ask(same);
    assertEquals(check?.status, "noupdate");
    assertMatch(text, /<urls><\/urls>|<urls\s*\/>/);
  }
  for (const none of ["", "ForcedUpdate", "1.2.3.4", "v1.0.0", "01.0.0", " 1.0.0", "=1.0.0"]) {
    assertEquals((await ask(none)).check?.status, "error-internal", none);
    assertEquals(isStrictVersion(none), false);
  }
  assertEquals(said[0], "me runs 1.0.0, and is offered 2.0.0");
  assertEquals(said.at(-1), 'me is offered nothing: "=1.0.0" is no semantic version');

  const events = [{ eventtype: 3, eventresult: 2 }, {
    eventtype: 3,
    eventresult: 0,
    errorcode: 44,
  }];
  const answer = await handle(post(document({ ping: { active: 1 } }, { events })), "me");
  assertEquals(parseResponse(await answer.text()).apps, [
    { appid: "a", status: "ok", ping: { status: "ok" }, events: [] },
    { appid: "a", status: "ok", events: [{ status: "ok" }, { status: "ok" }] },
  ]);
  assertEquals(said.slice(-3), [
    "me is there",
    "me reports event 3, result 2",
    "me reports event 3, result 0, error 44",
  ]);
});

Deno.test("what is no Omaha request is a 400 in go-omaha's words", async () => {
  const handle = packageHandler(PACKAGE);
  const good = document({ ping: {} });
  const bad: readonly [body: BodyInit, headers?: HeadersInit][] = [
    [""],
    ["<request"],
    ['<response protocol="3.0"/>'],
    [good.replace("3.0", "3.1")],
    [good, { "content-type": "application/json" }],
    [good, { "content-type": "text/xml; charset=iso-8859-1" }],
    [new Uint8Array([0xff, 0xfe])],
    [`${good}${" ".repeat(MAX_DOCUMENT_BYTES + 1 - good.length)}`],
  ];
  for (const [body, headers] of bad) {
    const answer = await handle(post(body, headers));
    assertEquals([answer.status, await answer.text()], [400, "Bad Omaha Request\n"]);
    assertEquals(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  }
  for (
    const type of ["text/xml", "application/xml; charset=UTF-8", ' text/XML;charset="utf-8"', ""]
  ) {
    assertEquals((await handle(post(good, { "content-type": type }))).status, 200, type);
  }
  const largest = `${good}${" ".repeat(MAX_DOCUMENT_BYTES - good.length)}`;
  assertEquals((await handle(post(largest))).status, 200);
  for (const method of ["GET", "PUT", "HEAD"]) {
    const answer = await handle(new Request(URL_UPDATE, { method }));
    assertEquals([answer.status, await answer.text()], [400, "Expected a POST\n"]);
  }
  for (const host of ['evil"><x', "a b", "a/b", "x@y", "a.lan, b.lan", "a:999999", ".."]) {
    const answer = await handle(post(good, { host }));
    assertEquals([answer.status, await answer.text()], [400, "No such host\n"], host);
  }
  assertEquals((await handle(post(good, { host: "[::1]:8000" }))).status, 200);
  const none = await handle(post(document()));
  assertEquals([none.status, none.headers.get("content-type")], [400, "text/xml; charset=utf-8"]);
  assertEquals(parseResponse(await none.text()).apps, []);

  const paths: readonly [string, number][] = [
    ["/v1/update", 200],
    ["/v1/update/x/y", 200],
    ["/v1/updates", 404],
    ["/", 404],
    ["/packages/", 404],
    ["/packages/../etc/passwd", 404],
    ["/packages/update.gz/", 404],
  ];
  for (const [path, status] of paths) {
    assertEquals((await handle(post(good, {}, `http://host${path}`))).status, status, path);
  }
});

Deno.test("ranges and conditions of a package are honoured", async () => {
  const date = "Fri, 02 Jan 2026 03:04:05 GMT";
  const earlier = "Fri, 02 Jan 2026 03:04:04 GMT";
  const cases: readonly [
    headers: Record<string, string>,
    status: number,
    body: string,
    range?: string,
  ][] = [
    [{}, 200, "0123456789"],
    [{ range: "bytes=2-4" }, 206, "234", "bytes 2-4/10"],
    [{ range: "bytes=7-" }, 206, "789", "bytes 7-9/10"],
    [{ range: "bytes=-3" }, 206, "789", "bytes 7-9/10"],
    [{ range: "bytes=-99" }, 206, "0123456789", "bytes 0-9/10"],
    [{ range: "bytes=0-99" }, 206, "0123456789", "bytes 0-9/10"],
    [{ range: "bytes=10-" }, 416, "The range is not within the file\n", "bytes */10"],
    [{ range: "bytes=5-2" }, 416, "The range is not within the file\n", "bytes */10"],
    [{ range: "bytes=-0" }, 416, "The range is not within the file\n", "bytes */10"],
    [{ range: "bytes=0-1,3-4" }, 200, "0123456789"],
    [{ range: "bytes=-" }, 200, "0123456789"],
    [{ range: "lines=1-2" }, 200, "0123456789"],
    [{ range: "bytes=2-4", "if-range": '"abc"' }, 206, "234", "bytes 2-4/10"],
    [{ range: "bytes=2-4", "if-range": date }, 206, "234", "bytes 2-4/10"],
    [{ range: "bytes=2-4", "if-range": '"other"' }, 200, "0123456789"],
    [{ range: "bytes=2-4", "if-range": earlier }, 200, "0123456789"],
    [{ "if-modified-since": date }, 304, ""],
    [{ "if-modified-since": earlier }, 200, "0123456789"],
    [{ "if-modified-since": "soon" }, 200, "0123456789"],
    [{ "if-none-match": 'W/"abc"' }, 304, ""],
    [{ "if-none-match": '"x"', "if-modified-since": date }, 200, "0123456789"],
    [{ "if-match": '"x"' }, 412, ""],
    [{ "if-match": '"x", "abc"' }, 200, "0123456789"],
    [{ "if-unmodified-since": earlier }, 412, ""],
    [{ "if-unmodified-since": date }, 200, "0123456789"],
  ];
  for (const [headers, status, body, range] of cases) {
    const get = () => new Request("http://host/packages/update.gz", { headers });
    const answer = await servedFile(get(), PACKAGE);
    const what = JSON.stringify(headers);
    assertEquals([answer.status, await answer.text()], [status, body], what);
    assertEquals(answer.headers.get("content-range"), range ?? null, what);
    const head = await servedFile(new Request(get(), { method: "HEAD" }), PACKAGE);
    assertEquals(head.status, status, what);
    if (status < 300) {
      assertEquals(head.headers.get("content-length"), String(body.length), what);
      assertEquals(await head.text(), "");
    }
  }
  const post = new Request("http://host/packages/update.gz", { method: "POST" });
  assertEquals((await servedFile(post, PACKAGE)).status, 405);
  const gone = { ...PACKAGE, open: () => Promise.reject(new Error("changed")) };
  await assertRejects(() => servedFile(new Request("http://host/"), gone), Error, "changed");
});
