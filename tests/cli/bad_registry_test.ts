import { assert, assertEquals } from "@std/assert";
import type { ServerResponse } from "node:http";
import type { Intercept } from "../../tasks/file_server.ts";
import { serve } from "../http/_servers.ts";
import { assertEnding, type Ending } from "./_aftermath.ts";
import { BadRegistry, INITRAMFS } from "./_bad_registry.ts";
import { type Answer, cutOff, on, status, upTo } from "./_bad_server.ts";
import {
  apply,
  assertAll,
  BEGUN,
  HASTE,
  INITRAMFS_BLOB,
  renew,
  UNTOUCHED,
} from "./_registry_cases.ts";
import { TestNode } from "./_test_node.ts";

Deno.test("a registry that is gone in the middle of a blob costs only what was missing", async () => {
  await using registry = await BadRegistry.start();
  await using node = await TestNode.create();
  const broken = upTo(INITRAMFS, 1_200_000, (response) => {
    response.once("close", () => void registry.stop());
    cutOff(response);
  });
  registry.answer = on(INITRAMFS_BLOB, broken);
  await assertEnding(node, await apply(node, registry, ...HASTE), {
    ...BEGUN,
    exit: 40,
    says:
      /fetching kubesolo-os.gz .*: .* did not answer: .*, 6 times in a row, after \d+ bytes; check/,
  });
  const { download } = await node.state();
  assert(Number(download?.bytes) > 0, "what came is kept");

  registry.answer = () => false;
  registry.requests.length = 0;
  await registry.listen();
  const { code, stderr } = await apply(node, registry);
  assertEquals([code, await node.slot("B")], [0, "2.0.0"], stderr);
  const asked = registry.requests.filter((line) => line.includes("blobs"));
  assertEquals(asked, [`GET /v2/site/os/${INITRAMFS_BLOB} bytes=${download?.bytes}-`]);
});

Deno.test("a network that wants a login, and redirects, lead nowhere", async () => {
  const page = (response: ServerResponse) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<html>log in</html>");
  const portal: Answer = (_, response) => void page(response);
  await using elsewhere = serve(() =>
    new Response("<html>", { headers: { "content-type": "text/html; charset=utf-8" } })
  );
  const login = redirect(`${elsewhere.url}/login`);
  const says =
    /a web page, which no registry sends; see whether the network wants a login first; ch/;
  const loop: Ending = { ...UNTOUCHED, exit: 40, says: /more than 5 redirects, the last to http/ };
  await assertAll([
    [(r) => r.answer = on("/v2/", portal), { ...UNTOUCHED, exit: 40, says }],
    [(r) => r.answer = on("/v2/", login), { ...UNTOUCHED, exit: 40, says }],
    [(r) => r.answer = on(INITRAMFS_BLOB, portal), { ...BEGUN, exit: 40, says }],
    [(r) => r.answer = on(INITRAMFS_BLOB, login), { ...BEGUN, exit: 40, says }],
    [(r) => r.answer = on("manifests", redirect("stable")), loop],
    [
      (r) => r.answer = on("manifests", redirect("file:///etc/shadow")),
      { ...UNTOUCHED, exit: 40, says: /leads to a file: URL; check registry/ },
    ],
    [
      (r) => r.answer = on("manifests", status(500)),
      { ...UNTOUCHED, exit: 40, says: /manifests\/stable answered 500 Internal Server Error; che/ },
    ],
  ]);
});

Deno.test("a registry that asks for time gets it", async () => {
  await using registry = await BadRegistry.start();
  await using node = await TestNode.create();
  const refused = new Map<string, number>();
  registry.answer = (request, response) => {
    const url = request.url ?? "";
    if (refused.has(url)) return false;
    refused.set(url, performance.now());
    response.writeHead(429, { "retry-after": "1" }).end();
    return true;
  };
  const began = performance.now();
  const { code, stderr } = await apply(node, registry);
  assertEquals([code, await node.slot("B")], [0, "2.0.0"], stderr);
  assertEquals(refused.size, 4, "tag, manifest and two blobs");
  assert(performance.now() - began > 4000, "each Retry-After is honoured");
});

const AUTH = btoa("node:a secret");

Deno.test("what the registry is told is told to nobody else", async () => {
  await using elsewhere = serve((request) => {
    const { pathname } = new URL(request.url);
    return pathname === "/blob" ? new Response(INITRAMFS) : new Response("", { status: 404 });
  });
  await using registry = await BadRegistry.start();
  await using node = await TestNode.create();
  const auths = { [registry.host]: { auth: AUTH } };
  await node.put("/etc/kubesolo/registry-auth.json", JSON.stringify({ auths }));
  const secrets = /a secret|TOKEN|bm9kZTp/;

  // tokens of a host that is asked over plain http, and is not the registry
  registry.answer = challenge(`${elsewhere.url.replace("127.0.0.1", "localhost")}/token`);
  const other = await apply(node, registry);
  await assertEnding(node, other, {
    ...UNTOUCHED,
    exit: 40,
    says: /reading who gives tokens for .*: http:\/\/localhost:\d+\/token, where https was wanted/,
  });
  assertEquals(elsewhere.requests, [], "nobody else was asked");

  // a token that is good for nothing, again and again
  await renew(node, registry);
  registry.answer = challenge(`http://${registry.host}/token`);
  const loop = await apply(node, registry);
  await assertEnding(node, loop, {
    ...UNTOUCHED,
    exit: 40,
    says: /manifests\/stable answered 401 Unauthorized; check registry, repository, tag and cred/,
  });
  assertEquals(registry.requests.length, 3, "asked, token, asked");

  // a token that ends in the middle of a blob, which another server gives out
  await renew(node, registry);
  let good = 0;
  registry.answer = (request, response) => {
    const url = request.url ?? "";
    if (url.startsWith("/token")) return giveToken(response, `TOKEN-${++good}`);
    if (request.headers.authorization !== `Bearer TOKEN-${good}`) {
      return challenge(`http://${registry.host}/token`)(request, response);
    }
    if (!url.includes(INITRAMFS_BLOB)) return false;
    if (request.headers.range) redirect(`${elsewhere.url}/blob`)(request, response);
    else {
      good++;
      upTo(INITRAMFS, 1_200_000, cutOff)(request, response);
    }
    return true;
  };
  const { code, stderr } = await apply(node, registry);
  assertEquals([code, await node.slot("B")], [0, "2.0.0"], stderr);
  assert(good >= 3, "the second token was never given out");
  assertEquals(elsewhere.requests.map(({ path }) => path), ["/blob"]);
  assertEquals(elsewhere.requests.map(({ headers }) => headers.get("authorization")), [null]);
  for (const said of [other.stderr, loop.stderr, stderr]) assertEquals(secrets.test(said), false);
});

/** Everything wants a token of the server at `realm`, which gives one that is good for nothing. */
function challenge(realm: string): Intercept {
  return (request, response) => {
    if (request.url?.startsWith("/token")) return giveToken(response, "TOKEN");
    const value = `Bearer realm="${realm}",service="test",scope="repository:site/os:pull"`;
    response.writeHead(401, { "www-authenticate": value }).end();
    return true;
  };
}

function giveToken(response: ServerResponse, token: string): true {
  response.writeHead(200, { "content-type": "application/json" })
    .end(JSON.stringify({ token, expires_in: 300 }));
  return true;
}

function redirect(location: string): Answer {
  return (_request, response) => void response.writeHead(307, { location }).end();
}
