import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  MAX_RETRY_AFTER_SECONDS,
  MAX_TRIES,
  OrasError,
  RegistryClient,
} from "../../mod/oras/mod.ts";
import { closedPort, recordedSleep, serve, serveRaw } from "../http/_servers.ts";
import { ask, clientOf, credentialsFor, hostOf } from "./_asking.ts";
import { problem } from "./_token_registry.ts";

Deno.test("what is busy is asked again, as late as it wants within bounds", async () => {
  await using server = serve((_, count) =>
    count === 1
      ? problem(429, "TOOMANYREQUESTS", { "retry-after": "7" })
      : count === 2
      ? problem(503, "UNAVAILABLE", { "retry-after": "99999" })
      : count === 3
      ? problem(500, "UNKNOWN")
      : new Response("{}")
  );
  const { waits, sleep } = recordedSleep();
  assertEquals(await ask(clientOf({ sleep }), hostOf(server.url)), 200);
  assertEquals(waits, [7000, MAX_RETRY_AFTER_SECONDS * 1000, 2000]);
});

Deno.test("what stays busy is unreachable", async () => {
  await using server = serve(() => problem(502, "UNKNOWN"));
  const error = await assertRejects(() => ask(clientOf(), hostOf(server.url)), OrasError, "502");
  assertEquals([error.code, server.requests.length], ["unreachable", MAX_TRIES]);
});

Deno.test("a server that is not there is tried again, an upload's beginning is not", async () => {
  const host = `127.0.0.1:${closedPort()}`;
  const { waits, sleep } = recordedSleep();
  const client = clientOf({ sleep });
  const error = await assertRejects(() => ask(client, host), OrasError, "did not answer");
  assertEquals([error.code, waits.length], ["unreachable", MAX_TRIES - 1]);
  await assertRejects(() => ask(client, host, { method: "POST" }), OrasError, "did not answer");
  assertEquals(waits.length, MAX_TRIES - 1);
});

Deno.test("redirects are followed without credentials to other hosts", async () => {
  await using storage = serve(() => new Response("{}"));
  await using server = serve((request) =>
    request.headers.has("authorization")
      ? Response.redirect(`${storage.url}/blob?signature=x`, 307)
      : problem(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="r"' })
  );
  const host = hostOf(server.url);
  assertEquals(await ask(clientOf({ credentials: credentialsFor(host) }), host), 200);
  assertEquals(storage.requests.map(({ headers }) => headers.get("authorization")), [null]);
});

Deno.test("a 401 of another host is no reason to tell it anything", async () => {
  await using storage = serve(() =>
    problem(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="r"' })
  );
  await using server = serve(() => Response.redirect(`${storage.url}/blob`, 307));
  const host = hostOf(server.url);
  const client = clientOf({ credentials: credentialsFor(host) });
  await assertRejects(() => ask(client, host), OrasError, "401");
  assertEquals(storage.requests.map(({ headers }) => headers.get("authorization")), [null]);
});

Deno.test("redirects that lead on for ever, nowhere, or off the web are refused", async () => {
  for (
    const location of ["/again", undefined, "http://", "ftp://x.example/", "file:///etc/passwd"]
  ) {
    await using server = serve(() =>
      new Response(null, { status: 302, headers: location === undefined ? {} : { location } })
    );
    const host = hostOf(server.url);
    const error = await assertRejects(() => ask(clientOf(), host), OrasError);
    assertEquals(error.code, "protocol");
    await assertRejects(
      () => ask(clientOf(), host, { method: "PUT" }),
      OrasError,
      "redirects a PUT",
    );
  }
});

Deno.test("errors are shown on one line, bounded, without what drives a terminal", async () => {
  const message = `\x1b[2J${"x".repeat(5000)}\n`;
  const errors = Array.from({ length: 50 }, () => ({ code: "DENIED\x07", message }));
  await using server = serve(() => Response.json({ errors: errors.slice(0, 3) }, { status: 403 }));
  const error = await assertRejects(() => ask(clientOf(), hostOf(server.url)), OrasError, "DENIED");
  assertEquals(error.code, "refused");
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f]/.test(error.message) && error.message.length < 1500, error.message);
  await using odd = serve((_, count) =>
    new Response(['{"errors": {}}', '{"errors": [null, 7]}', "null", "["][count % 4], {
      status: 400,
    })
  );
  for (let i = 0; i < 4; i++) {
    await assertRejects(() => ask(clientOf(), hostOf(odd.url)), OrasError, "400");
  }
});

Deno.test("a server that hangs up is unreachable", async () => {
  await using server = serveRaw(async ({ send }) => void await send("HTTP/1.1 200"));
  const error = await assertRejects(() => ask(clientOf(), hostOf(server.url)), OrasError);
  assertEquals(error.code, "unreachable");
});

Deno.test("one who gives up waits no longer", async () => {
  await using server = serve(() => problem(503, "UNAVAILABLE", { "retry-after": "30" }));
  const controller = new AbortController();
  const client = new RegistryClient({ plainHttp: true });
  setTimeout(() => controller.abort(new Error("enough")), 50);
  const started = performance.now();
  await assertRejects(
    () => ask(client, hostOf(server.url), { signal: controller.signal }),
    Error,
    "enough",
  );
  assert(performance.now() - started < 20_000, "not for as long as the registry wants");
});
