import { assert, assertEquals, assertRejects } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { HttpSource, MAX_REDIRECTS } from "../../mod/http/mod.ts";
import { imageJson, recordedSleep, serve, type TestTls } from "./_servers.ts";

const BYTES = new Uint8Array([1, 2, 3, 4, 5]);

function testdata(name: string): string {
  return Deno.readTextFileSync(new URL(`testdata/${name}`, import.meta.url));
}

function tls(): TestTls {
  return { cert: testdata("server.crt"), key: testdata("server.key") };
}

function to(location: string, status = 302): Response {
  return new Response(null, { status, headers: { location } });
}

async function fetched(source: HttpSource): Promise<Uint8Array> {
  const { artifacts: [image] } = await source.latest();
  const { stream } = await source.open(image, 0);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

for (const status of [301, 302, 303, 307, 308]) {
  Deno.test(`a redirect by ${status} is followed, and moves the base of relative URLs`, async () => {
    await using server = serve((request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/latest.json") return to("/2026/stable/latest.json", status);
      if (pathname === "/2026/stable/latest.json") {
        return new Response(imageJson(BYTES, { image_url: "images/root.img" }));
      }
      return new Response(pathname === "/2026/stable/images/root.img" ? BYTES : "wrong");
    });
    assertEquals(await fetched(new HttpSource(server.url)), BYTES);
  });
}

Deno.test("as many redirects as allowed are followed, one more is refused", async () => {
  await using server = serve((request) => {
    const left = Number(new URL(request.url).pathname.slice(1, -".json".length));
    return left > 0 ? to(`/${left - 1}.json`) : new Response(imageJson(BYTES));
  });
  const source = (redirects: number) => new HttpSource(`${server.url}/${redirects}.json`);
  assertEquals((await source(MAX_REDIRECTS).latest()).version, "1.2.0");
  const error = await assertRejects(() => source(MAX_REDIRECTS + 1).latest(), UpdateError);
  assertEquals(error.code, "source");
});

Deno.test("a loop of redirects ends, and the message says so", async () => {
  await using server = serve((request) => to(request.url.endsWith("/b") ? "/latest.json" : "/b"));
  const source = new HttpSource(server.url, recordedSleep());
  const error = await assertRejects(() => source.latest(), UpdateError);
  assertEquals(error.code, "source");
  assert(error.message.includes(`more than ${MAX_REDIRECTS} redirects`), error.message);
  assertEquals(server.requests.length, MAX_REDIRECTS + 1);
});

Deno.test("a redirect that leads nowhere on the web is refused", async () => {
  for (const location of ["file:///etc/shadow", "data:application/json,{}", "http://"]) {
    await using server = serve(() => to(location));
    const error = await assertRejects(() => new HttpSource(server.url).latest(), UpdateError);
    assertEquals(error.code, "source");
    assert(error.message.includes("a redirect to"), error.message);
  }
  await using silent = serve(() => new Response(null, { status: 302 }));
  const error = await assertRejects(() => new HttpSource(silent.url).latest(), UpdateError);
  assert(error.message.includes("a redirect to nowhere"), error.message);
});

Deno.test("https is trusted by its authority alone, and never falls to http", async () => {
  await using plain = serve(() => new Response(imageJson(BYTES)));
  await using secure = serve((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/down/latest.json") return to(`${plain.url}/latest.json`);
    if (pathname === "/down.img") return to(`${plain.url}/root.img`);
    return new Response(imageJson(BYTES, { image_url: "/down.img" }));
  }, tls());
  const options = { tls: { caCerts: [testdata("ca.crt")] }, ...recordedSleep() };

  const stranger = new HttpSource(secure.url, recordedSleep());
  const untrusted = await assertRejects(() => stranger.latest(), UpdateError);
  assert(untrusted.message.includes("certificate"), untrusted.message);

  using fallen = new HttpSource(`${secure.url}/down`, options);
  const error = await assertRejects(() => fallen.latest(), UpdateError);
  assert(error.message.includes("a redirect from https to http"), error.message);

  using source = new HttpSource(secure.url, options);
  const { artifacts: [image] } = await source.latest();
  await assertRejects(() => source.open(image, 0), UpdateError, "from https to http");
  assertEquals(plain.requests.length, 0);
});

Deno.test("http may rise to https", async () => {
  await using secure = serve(() => new Response(imageJson(BYTES)), tls());
  await using plain = serve(() => to(`${secure.url}/latest.json`));
  using source = new HttpSource(plain.url, { tls: { caCerts: [testdata("ca.crt")] } });
  assertEquals((await source.latest()).version, "1.2.0");
});

Deno.test("user and password go to the named server alone, and are never shown", async () => {
  await using elsewhere = serve(() => new Response(BYTES));
  await using server = serve((request) => {
    if (request.url.endsWith("/moved.img")) return to(`${elsewhere.url}/root.img`);
    return new Response(imageJson(BYTES, { image_url: "moved.img" }));
  });
  const address = server.url.replace("//", "//n%C3%B6de:se%20cret@");
  const source = new HttpSource(address);
  assertEquals(await fetched(source), BYTES);
  const basic = `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode("nöde:se cret")))}`;
  assertEquals(server.requests.map(({ headers }) => headers.get("authorization")), [basic, basic]);
  assertEquals(elsewhere.requests.map(({ headers }) => headers.get("authorization")), [null]);
  assert(!source.name.includes("cret"), source.name);
});

Deno.test("a password does not show when the server says no", async () => {
  await using server = serve(() => new Response("", { status: 403 }));
  const source = new HttpSource(`${server.url.replace("//", "//me:secret@")}/?key=hidden`);
  const { message } = await assertRejects(() => source.latest(), UpdateError);
  assert(!/secret|hidden/.test(message), message);
  assert(message.includes("403"), message);
});

Deno.test("an artifact's URL may bring its own user and password", async () => {
  await using mirror = serve(() => new Response(BYTES));
  const image_url = mirror.url.replace("//", "//a:b@") + "/root.img";
  await using server = serve(() => new Response(imageJson(BYTES, { image_url })));
  assertEquals(await fetched(new HttpSource(server.url)), BYTES);
  assertEquals(mirror.requests[0].headers.get("authorization"), `Basic ${btoa("a:b")}`);
});
