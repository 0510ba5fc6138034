import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { HttpSource } from "../../mod/http/mod.ts";
import { KeyTrust } from "../../mod/trust/mod.ts";
import { testKey } from "../trust/_keys.ts";
import { imageJson, recordedSleep, serve, type TestServer } from "./_servers.ts";

const [OURS, OTHER] = [1, 2].map(testKey);
const TRUST = new KeyTrust([OURS.publicKey]);
const IMAGE = imageJson(new Uint8Array(5), {
  stepping_stones: [JSON.parse(imageJson(new Uint8Array(6), { version: "1.1.0" }))],
});

type Files = Readonly<Record<string, string | Uint8Array<ArrayBuffer> | number>>;

/** A server that has these files, or answers with these statuses. */
function serveFiles(files: Files): TestServer {
  return serve((request) => {
    const file = files[new URL(request.url).pathname] ?? 404;
    return typeof file === "number" ? new Response(null, { status: file }) : new Response(file);
  });
}

function sign(text: string, key = OURS): Uint8Array<ArrayBuffer> {
  return key.sign(new TextEncoder().encode(text));
}

function asked({ requests }: TestServer): string[] {
  return requests.map(({ path }) => path);
}

Deno.test("a latest.json with a good signature beside it is read, stepping stones and all", async () => {
  await using server = serveFiles({ "/latest.json": IMAGE, "/latest.json.sig": sign(IMAGE) });
  const source = new HttpSource(server.url, { trust: TRUST });
  assertEquals((await source.latest()).signedBy, [OURS.publicKey.id]);
  assertEquals(asked(server), ["/latest.json", "/latest.json.sig"]);
  assertEquals((await source.steppingStones()).map(({ signedBy }) => signedBy), [
    [OURS.publicKey.id],
  ]);
});

Deno.test("without a trust no signature is asked for, and no release claims one", async () => {
  const boastful = imageJson(new Uint8Array(5), { signedBy: [OURS.publicKey.id] });
  await using server = serveFiles({ "/latest.json": boastful });
  assertEquals("signedBy" in await new HttpSource(server.url).latest(), false);
  assertEquals(asked(server), ["/latest.json"]);
});

Deno.test("the signature is looked for beside the address that was asked, with its query", async () => {
  await using mirror = serve((request) => {
    const { pathname } = new URL(request.url);
    return new Response(pathname.endsWith(".json") ? IMAGE : sign(IMAGE));
  });
  await using server = serve((request) => {
    const { pathname, search } = new URL(request.url);
    return Response.redirect(`${mirror.url}/away${pathname}${search}`, 302);
  });
  await new HttpSource(`${server.url}/os?token=x`, { trust: TRUST }).latest();
  assertEquals(asked(server), ["/os/latest.json?token=x", "/os/latest.json.sig?token=x"]);
  assertEquals(asked(mirror)[1], "/away/os/latest.json.sig?token=x");
});

Deno.test("a .minisig counts where there is no .sig", async () => {
  await using server = serveFiles({ "/latest.json": IMAGE, "/latest.json.minisig": sign(IMAGE) });
  await new HttpSource(server.url, { trust: TRUST }).latest();
  assertEquals(asked(server), ["/latest.json", "/latest.json.sig", "/latest.json.minisig"]);
});

Deno.test("a latest.json that is not signed well is refused before it is read", async () => {
  const twice = IMAGE.replace("{", '{"version":"9.9.9",');
  const escaped = IMAGE.replace("{", '{"\\u0076ersion":"9.9.9",');
  const cases: [name: string, files: Files, found: RegExp][] = [
    ["no signature", {}, /none at http:\S+\/latest.json.sig \(404\), http:\S+minisig \(404\)$/],
    ["none that is given", { "/latest.json.sig": 403 }, /none at http:\S+\.sig \(403\), /],
    ["gone", { "/latest.json.sig": 410 }, /none at http:\S+\.sig \(410\), /],
    ["nothing in it", { "/latest.json.sig": 204 }, /the answer 204 where 200 was wanted/],
    ["empty", { "/latest.json.sig": "" }, /latest.json.sig, which cannot be read: an empty file/],
    ["a web page", { "/latest.json.sig": "<html>" }, /a line that is no signature in base64/],
    ["10 MB", { "/latest.json.sig": new Uint8Array(10 << 20) }, /more than the 32768 bytes that a/],
    ["another key", { "/latest.json.sig": sign(IMAGE, OTHER) }, /one of another key, or over/],
    ["another file", { "/latest.json.sig": sign(`${IMAGE} `) }, /one of another key, or over/],
    ["tampered", { "/latest.json": `${IMAGE}\n`, "/latest.json.sig": sign(IMAGE) }, /or over/],
    ["no JSON at all", { "/latest.json": "{" }, /none at/],
    [
      "a member twice",
      { "/latest.json": twice, "/latest.json.sig": sign(twice) },
      /"version" twice/,
    ],
    [
      "a member twice, one in disguise",
      { "/latest.json": escaped, "/latest.json.sig": sign(escaped) },
      /"version" twice/,
    ],
  ];
  for (const [name, files, found] of cases) {
    await using server = serveFiles({ "/latest.json": IMAGE, ...files });
    const source = new HttpSource(server.url, { trust: TRUST, ...recordedSleep() });
    const error = await assertRejects(() => source.latest(), UpdateError, undefined, name);
    assertEquals(error.code, "verification", `${name}: ${error.message}`);
    assertMatch(error.found, found);
    assertEquals(await source.steppingStones(), [], "and nothing in it is used");
    assertEquals(asked(server).filter((path) => !path.startsWith("/latest.json")), [], name);
  }
  console.log(`${cases.length} ways of not being signed`);
});

Deno.test("a member that is there twice is no matter where nothing is signed", async () => {
  await using server = serveFiles({ "/latest.json": IMAGE.replace("{", '{"version":"9.9.9",') });
  assertEquals((await new HttpSource(server.url).latest()).version, "1.2.0");
});

Deno.test("a server that cannot give the signature now is asked again", async () => {
  let busy = 2;
  await using server = serve((request) => {
    const isLatest = new URL(request.url).pathname === "/latest.json";
    if (!isLatest && busy-- > 0) return new Response("", { status: 503 });
    return new Response(isLatest ? IMAGE : sign(IMAGE));
  });
  const { waits, sleep } = recordedSleep();
  await new HttpSource(server.url, { trust: TRUST, sleep }).latest();
  assertEquals(waits.length, 2);
  assert(!asked(server).some((path) => path.endsWith(".minisig")));
});
