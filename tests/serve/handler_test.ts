import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { HttpSource } from "../../mod/http/mod.ts";
import { bytesOf, putRelease, Served } from "./_directory.ts";

Deno.test("files are served with ranges and conditions, as latest.json is", async () => {
  let text = "";
  await using served = await Served.start(async (directory) => {
    text = await putRelease(`${directory}/stable`, { version: "2.0.0" });
  });
  const ask = async (path: string, headers: HeadersInit = {}, method = "GET") => {
    const answer = await fetch(`${served.url}/stable/${path}`, { headers, method });
    return { status: answer.status, headers: answer.headers, body: await answer.bytes() };
  };
  const kernel = bytesOf("vmlinuz", "2.0.0");
  for (
    const [name, bytes] of [["vmlinuz", kernel], [
      "latest.json",
      new TextEncoder().encode(text),
    ]] as const
  ) {
    const whole = await ask(name);
    assertEquals([whole.status, whole.body], [200, bytes]);
    assertEquals(whole.headers.get("content-encoding"), null);
    const etag = whole.headers.get("etag") ?? "";
    assertMatch(etag, /^"[0-9a-f-]+"$/);
    const head = await ask(name, {}, "HEAD");
    assertEquals([head.status, head.body.length], [200, 0]);
    assertEquals(head.headers.get("content-length"), String(bytes.length));
    const part = await ask(name, { range: "bytes=100-", "if-range": etag });
    assertEquals([part.status, part.body], [206, bytes.slice(100)]);
    assertEquals(
      part.headers.get("content-range"),
      `bytes 100-${bytes.length - 1}/${bytes.length}`,
    );
    const other = await ask(name, { range: "bytes=100-", "if-range": '"other"' });
    assertEquals([other.status, other.body.length], [200, bytes.length]);
    assertEquals((await ask(name, { "if-none-match": etag })).status, 304);
    const since = whole.headers.get("last-modified") ?? "";
    assertEquals((await ask(name, { "if-modified-since": since })).status, 304);
    const beyond = await ask(name, { range: `bytes=${bytes.length}-` });
    assertEquals(beyond.status, 416);
    assertEquals(beyond.headers.get("content-range"), `bytes */${bytes.length}`);
  }
});

Deno.test("our own client takes an update from it", async () => {
  await using served = await Served.start(async (directory) => {
    await putRelease(directory, { version: "2.0.0" });
  });
  const source = new HttpSource(new URL("latest.json", `${served.url}/`));
  const release = await source.latest();
  assertEquals(release.version, "2.0.0");
  for (const artifact of release.artifacts) {
    const { stream } = await source.open(artifact, 10);
    const bytes = await new Response(stream).bytes();
    assertEquals(bytes, bytesOf(artifact.name, "2.0.0").slice(10));
  }
});

Deno.test("nothing outside of the directory is served, and nothing hidden", async () => {
  await using served = await Served.start(async (directory) => {
    const around = directory.slice(0, directory.lastIndexOf("/"));
    await putRelease(`${directory}/inside`, { version: "2.0.0" });
    await Deno.writeTextFile(`${around}/secret`, "secret");
    await Deno.mkdir(`${around}/served-too`);
    await Deno.writeTextFile(`${around}/served-too/secret`, "secret");
    await Deno.writeTextFile(`${directory}/.hidden`, "secret");
    await Deno.mkdir(`${directory}/.git`);
    await Deno.writeTextFile(`${directory}/.git/config`, "secret");
    await Deno.symlink("../secret", `${directory}/link`);
    await Deno.symlink("..", `${directory}/up`);
    await Deno.symlink("../served-too", `${directory}/too`);
    await Deno.symlink(".hidden", `${directory}/seen`);
    await Deno.symlink("inside", `${directory}/alias`);
    await Deno.symlink(".", `${directory}/loop`);
    await Deno.symlink("self", `${directory}/self`);
    await new Deno.Command("mkfifo", { args: [`${directory}/pipe`] }).output();
  });
  const paths = [
    "/../secret",
    "/%2e%2e/secret",
    "/%2E%2E%2Fsecret",
    "/..%2fsecret",
    "/inside/../../secret",
    "/inside/..%2f..%2fsecret",
    "/inside/%2e%2e/%2e%2e/secret",
    "/..\\secret",
    "/..%5csecret",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/secret%00",
    "/%00",
    "/inside/vmlinuz%00.gz",
    "/.hidden",
    "/%2ehidden",
    "/inside/../.hidden",
    "/.git/config",
    "/link",
    "/up/secret",
    "/too/secret",
    "/seen",
    "/self",
    "/pipe",
    "/inside",
    "/inside/",
    "/%",
    "/%ff",
    `/${"a".repeat(300)}`,
    `/${"a/".repeat(3000)}b`,
    "/packages/../../secret",
    "/packages/%2e%2e/%2e%2e/secret",
    "/packages/..%2f..%2fsecret",
    "/packages//etc/passwd",
  ];
  for (const path of paths) {
    const text = await served.raw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    assertMatch(text, /^HTTP\/1\.1 40[04] /, path);
    assert(!text.includes("secret\n") && !text.endsWith("secret") && !text.includes("root:"), text);
  }
  for (const path of ["/alias/vmlinuz", "/inside/vmlinuz", "/loop/inside/vmlinuz"]) {
    const answer = await fetch(`${served.url}${path}`);
    assertEquals([answer.status, (await answer.bytes()).length], [200, 17000], path);
  }
});

Deno.test("a host that is none gets no answer with it", async () => {
  await using served = await Served.start((directory) =>
    putRelease(directory, { version: "2.0.0" })
  );
  const body =
    `<request protocol="3.0"><os arch="x64"/><app appid="io.kubesolo.os" version="1.0.0">` +
    "<updatecheck/></app></request>";
  const post = (host: string) =>
    served.raw(
      `POST /v1/update/ HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
  for (const host of ["updates.lan", "updates.lan:8000", "192.168.1.1", "[fe80::1]:80"]) {
    const text = await post(host);
    assertStringIncludes(text, `codebase="http://${host}/packages/`);
  }
  for (
    const host of [
      "evil.example/packages",
      'x" extra="',
      "x<script>",
      "user@evil.example",
      "x?y",
      "x#y",
      "x y",
      "a".repeat(300),
      "x:port",
      "",
      "../..",
    ]
  ) {
    const text = await post(host);
    assertMatch(text, /^HTTP\/1\.1 400 /, host);
    assert(!text.includes("codebase"), text);
  }
});

Deno.test("it only reads: other methods are refused", async () => {
  await using served = await Served.start((directory) =>
    putRelease(directory, { version: "2.0.0" })
  );
  for (const method of ["PUT", "POST", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]) {
    for (const path of ["/latest.json", "/", "/vmlinuz", "/packages/x/vmlinuz"]) {
      const body = method === "OPTIONS" ? undefined : "x";
      const answer = await fetch(`${served.url}${path}`, { method, body });
      assertEquals([answer.status, answer.headers.get("allow")], [405, "GET, HEAD"], path);
      await answer.body?.cancel();
    }
  }
  assertEquals(await Deno.readFile(`${served.directory}/vmlinuz`), bytesOf("vmlinuz", "2.0.0"));
});
