import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MAX_ROOTS_AT_ONCE, UpdateError } from "../../mod/core/mod.ts";
import { HttpSource } from "../../mod/http/mod.ts";
import { parseRoot, RootTrust } from "../../mod/trust/mod.ts";
import { bytesOf, testKey } from "../trust/_keys.ts";
import { imageJson, recordedSleep, serve } from "./_servers.ts";

const IMAGE = imageJson(new Uint8Array(5));
const PATH = /^\/os\/trust\/(\d+)\.json(\.sig)?$/;

function rootText(version: number, key: number): string {
  return JSON.stringify({ version, threshold: 1, keys: [{ name: "ops", key: testKey(key).word }] });
}

/** A server on which key N signs root N + 1, up to `last`; key `last` signs what it offers. */
function serveChain(last: number) {
  return serve((request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname.endsWith(".minisig")) return new Response(null, { status: 404 });
    const [, number, signature] = PATH.exec(pathname) ?? [];
    if (number === undefined) {
      const bytes = testKey(Math.min(last, 200)).sign(bytesOf(IMAGE));
      return new Response(pathname.endsWith(".sig") ? bytes : IMAGE);
    }
    const version = Number(number);
    if (version > last || search !== "?token=x") return new Response("", { status: 404 });
    const text = rootText(version, version);
    if (!signature) return new Response(text);
    const lines = [version - 1, version].map((key) => testKey(key).sign(bytesOf(text)).toBase64());
    return new Response(lines.join("\n"));
  });
}

function trustFrom(version: number): RootTrust {
  return new RootTrust(parseRoot(bytesOf(rootText(version, version))));
}

Deno.test("roots are followed before latest.json is asked for", async () => {
  await using server = serveChain(4);
  const source = new HttpSource(`${server.url}/os?token=x`, { trust: trustFrom(1) });
  assertEquals((await source.latest()).signedBy, [`ops (${testKey(4).publicKey.id})`]);
  assertEquals(server.requests.map(({ path }) => path.replace("?token=x", "")), [
    "/os/trust/2.json",
    "/os/trust/2.json.sig",
    "/os/trust/3.json",
    "/os/trust/3.json.sig",
    "/os/trust/4.json",
    "/os/trust/4.json.sig",
    "/os/trust/5.json",
    "/os/latest.json",
    "/os/latest.json.sig",
  ]);
  server.requests.length = 0;
  await source.latest();
  assertEquals(server.requests.length, 3, "what took over is not asked for again");
});

Deno.test("a root that may not take over stops everything", async () => {
  const changes: [path: string, body: string | Uint8Array<ArrayBuffer> | number, says: RegExp][] = [
    ["trust/2.json", rootText(2, 9), /one of another key, or over other bytes/],
    ["trust/2.json", rootText(3, 2), /one of another key, or over other bytes/],
    ["trust/2.json.sig", 404, /none at \S+2.json.sig\S* \(404\)/],
    ["trust/2.json.sig", testKey(1).sign(bytesOf(rootText(2, 2))), /wanted a signature of key ops/],
    ["trust/2.json", new Uint8Array(1 << 20), /more than the 65536 bytes that a root of trust may/],
  ];
  for (const [path, body, says] of changes) {
    await using behind = serveChain(4);
    await using server = serve((request) => {
      const { pathname, search } = new URL(request.url);
      if (!pathname.endsWith(path)) return fetch(behind.url + pathname + search);
      return typeof body === "number" ? new Response(null, { status: body }) : new Response(body);
    });
    const address = `${server.url}/os?token=x`;
    const source = new HttpSource(address, { trust: trustFrom(1), ...recordedSleep() });
    const error = await assertRejects(() => source.latest(), UpdateError);
    assertEquals(error.code, "verification", error.message);
    assertMatch(error.found, says);
    const asked = server.requests.map(({ path }) => path);
    assertEquals(asked.filter((path) => path.includes("latest")), [], "nor is anything read");
  }
});

Deno.test("so many roots are followed at once, and the next time goes on", async () => {
  await using server = serveChain(MAX_ROOTS_AT_ONCE + 10);
  const trust = trustFrom(1);
  const source = new HttpSource(`${server.url}/os?token=x`, { trust });
  await assertRejects(() => source.latest(), UpdateError, "one of another key");
  assertEquals(trust.next, 2 + MAX_ROOTS_AT_ONCE);
  await source.latest();
  assertEquals(trust.next, MAX_ROOTS_AT_ONCE + 11);
});
