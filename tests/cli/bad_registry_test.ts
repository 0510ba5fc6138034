import { assert, assertEquals } from "@std/assert";
import type { ServerResponse } from "node:http";
import type { Intercept } from "../../tasks/file_server.ts";
import { serve } from "../http/_servers.ts";
import type { Ran } from "../sandbox.ts";
import { assertEnding, type Ending } from "./_aftermath.ts";
import { BadRegistry, entryOf, IMAGE, INDEX, INITRAMFS, KERNEL, layers } from "./_bad_registry.ts";
import { type Answer, cutOff, ofUnknownLength, on, status, upTo } from "./_bad_server.ts";
import { sha256, STATE, TestNode } from "./_test_node.ts";

const KERNEL_BLOB = `blobs/sha256:${sha256(KERNEL)}`;
const INITRAMFS_BLOB = `blobs/sha256:${sha256(INITRAMFS)}`;

/** Nothing was written: the slot still has what it had. */
const UNTOUCHED: Pick<Ending, "passive" | "phase"> = { passive: "1.0.0", phase: "failed" };
/** The download began, and the slot does not boot. */
const BEGUN: Pick<Ending, "passive" | "phase"> = { passive: "not bootable", phase: "failed" };

/** One way to be wrong, and what it comes to. */
type Case = readonly [wrong: (registry: BadRegistry) => void, ending: Ending];

/** Waits are short, where there are some: a test must not wait for what a slow line may take. */
const HASTE = ["--stall-timeout", "0.3"];

/** Runs `apply` from the registry. */
function apply(node: TestNode, registry: BadRegistry, ...more: string[]): Promise<Ran> {
  return node.update("apply", "--registry", `${registry.host}/site/os`, "--plain-http", ...more);
}

/** The next case finds the node as the first one did. */
async function renew(node: TestNode, registry: BadRegistry): Promise<void> {
  registry.reset();
  await node.sandbox.sh(`rm -f ${STATE}`);
}

/** Each case on the same disk. */
async function assertAll(cases: readonly Case[]): Promise<void> {
  await using registry = await BadRegistry.start();
  await using node = await TestNode.create();
  for (const [wrong, ending] of cases) {
    await renew(node, registry);
    wrong(registry);
    const haste = ending.exit === 40 ? HASTE : [];
    await assertEnding(node, await apply(node, registry, ...haste), ending);
    if (ending.passive !== "1.0.0") await node.fill("B", "1.0.0");
  }
  await renew(node, registry);
  const { code, stderr } = await apply(node, registry);
  assertEquals([code, await node.slot("B")], [0, "2.0.0"], stderr);
}

Deno.test("a manifest that is no release for this node is refused before a slot is touched", async () => {
  const refused = (says: RegExp): Ending => ({ ...UNTOUCHED, exit: 30, says });
  const here = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
  const there = Deno.build.arch === "x86_64" ? "arm64" : "amd64";
  const platform = (architecture: string) => ({ platform: { architecture, os: "linux" } });
  await assertAll([
    [
      (r) => r.release({ layers: layers({ digest: `sha512:${"0".repeat(128)}` }) }),
      refused(/layers\[0\].digest: wanted a sha256 digest, found "sha512:0+…; nothing was staged/),
    ],
    [
      (r) => r.release({ layers: layers({}, { digest: `md5:${"0".repeat(32)}` }) }),
      refused(/layers\[1\].digest: wanted a sha256 digest, found "md5:0{32}"; nothing was/),
    ],
    [
      (r) => r.release({ layers: layers({ mediaType: "a/b" }, { mediaType: "c/d" }) }),
      refused(
        /: no layer of a release, where a kernel and an initramfs, or one image were wanted;/,
      ),
    ],
    [
      (r) => r.release({ layers: layers().slice(1) }),
      refused(/: layers for kubesolo-os.gz alone, where a kernel and an initramfs, or one image w/),
    ],
    [
      (r) => r.release({ layers: [...layers(), layers()[0]] }),
      refused(/: two layers of type application\/vnd.kubesolo.os.kernel.v1\+octet-stream; publish/),
    ],
    [
      (r) => r.release({ layers: layers({ size: -1 }) }),
      refused(/layers\[0\].size: wanted a number of bytes, found -1; nothing was staged/),
    ],
    [
      (r) => r.put(INDEX, { manifests: [{ ...r.release({}), ...platform(there) }] }),
      refused(
        /: an index for \w+, and nothing for \w+; publish one manifest for each architecture/,
      ),
    ],
    [
      (r) =>
        r.put(INDEX, { manifests: [{ ...r.put(INDEX, { manifests: [] }), ...platform(here) }] }),
      refused(/: an index inside the index, where a manifest was wanted; publish one/),
    ],
    [
      // an index cannot contain its own digest, but a registry can answer with it
      (r) => {
        const inner = r.release({});
        const outer = r.put(INDEX, { manifests: [{ ...inner, ...platform(here) }] });
        const { digest } = inner;
        r.answer = on(String(digest), (_, response) => {
          const text = JSON.stringify({
            schemaVersion: 2,
            mediaType: INDEX,
            manifests: [{ ...inner, ...platform(here) }],
          });
          assertEquals(entryOf(INDEX, new TextEncoder().encode(text)).digest, outer.digest);
          response.writeHead(200, { "content-type": INDEX }).end(text);
        });
      },
      refused(/fetching manifest .*@sha256:\w+: another manifest, sha256:\w+; nothing was staged/),
    ],
    [
      // the tag is moved between the two requests
      (r) => {
        const bytes = JSON.stringify({ schemaVersion: 2 });
        r.answer = (request, response) => {
          if (request.method === "HEAD") return false;
          response.writeHead(200, { "content-type": IMAGE }).end(bytes);
          return true;
        };
      },
      refused(/fetching manifest .*@sha256:\w+: another manifest, sha256:\w+; nothing was staged/),
    ],
  ]);
});

Deno.test("a manifest of 50 MB is not read, whether it says so or not", async () => {
  let sent = 0;
  const huge = (headers: Record<string, string>) => (r: BadRegistry) => {
    r.answer = on("manifests", (request, response) => {
      response.writeHead(200, { "content-type": IMAGE, ...headers });
      response.flushHeaders();
      if (request.method === "HEAD") return void response.end();
      let left = 50e6;
      const timer = setInterval(() => {
        response.write(new Uint8Array(1e6));
        sent += 1e6;
        if ((left -= 1e6) > 0) return;
        clearInterval(timer);
        response.end();
      }, 20);
      response.once("close", () => clearInterval(timer));
    });
  };
  const says = /manifest 127.*: more than the 4194304 bytes of a manifest; nothing was staged/;
  await assertAll([
    [huge({ "content-length": String(50e6) }), { ...UNTOUCHED, exit: 30, says }],
    [huge({}), { ...UNTOUCHED, exit: 30, says }],
  ]);
  assert(sent < 20e6, `${sent} bytes were sent`);
});

Deno.test("blobs that are not the promised ones are refused, and nothing is staged", async () => {
  const flipped = INITRAMFS.slice();
  flipped[1_000_000] ^= 1;
  const begun = (says: RegExp, exit: 30 | 40 = 30): Ending => ({ ...BEGUN, exit, says });
  const blob = (bytes: Uint8Array) => (r: BadRegistry) => {
    r.answer = on(INITRAMFS_BLOB, upTo(bytes, bytes.length, (response) => response.end()));
  };
  await assertAll([
    [
      blob(flipped),
      begun(new RegExp(`SHA-256 ${sha256(flipped)} .* where ${sha256(INITRAMFS)} was promised`)),
    ],
    [blob(INITRAMFS.subarray(1)), begun(/: 1999999 bytes instead of 2000000; nothing was staged/)],
    [blob(new Uint8Array(2_000_001)), begun(/: 2000001 bytes instead of 2000000; nothing was/)],
    [
      (r) => r.answer = on(INITRAMFS_BLOB, ofUnknownLength(new Uint8Array(2_000_001))),
      begun(/sends more than the 2000000 bytes that were promised; nothing was staged/),
    ],
    [
      (r) => r.answer = on(INITRAMFS_BLOB, ofUnknownLength(INITRAMFS.subarray(1))),
      begun(/the connection ended 1 bytes too early, 6 times in a row, after 1999999 bytes/, 40),
    ],
    [
      (r) => r.answer = on(KERNEL_BLOB, status(404)),
      begun(/fetching vmlinuz .*: fetching blob .*404 Not Found; check registry, rep/, 40),
    ],
  ]);
});

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
