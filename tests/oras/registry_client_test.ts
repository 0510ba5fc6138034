import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CredentialFile,
  MAX_RETRY_AFTER_SECONDS,
  MAX_TRIES,
  OrasError,
  RegistryClient,
  type RegistryClientOptions,
  type RegistryRequest,
} from "../../mod/oras/mod.ts";
import { closedPort, recordedSleep, serve, serveRaw } from "../http/_servers.ts";
import { problem, TokenRegistry } from "./_token_registry.ts";

const LOGIN = { username: "jo", password: "se:cret" };

function credentialsFor(host: string, entry: Record<string, string> = {}) {
  const auth = btoa(`${LOGIN.username}:${LOGIN.password}`);
  return new CredentialFile(JSON.stringify({ auths: { [host]: { auth, ...entry } } }), "auth.json");
}

function clientOf(options: RegistryClientOptions = {}): RegistryClient {
  return new RegistryClient({ plainHttp: true, sleep: () => Promise.resolve(), ...options });
}

/** The status of the answer to a request for tags. */
async function ask(
  client: RegistryClient,
  registry: string,
  changes: Partial<RegistryRequest> = {},
): Promise<number> {
  const { response } = await client.send({
    registry,
    repository: "os",
    method: "GET",
    at: "tags/list",
    actions: ["pull"],
    wanted: [200],
    action: "testing",
    ...changes,
  });
  await response.body?.cancel();
  return response.status;
}

function hostOf(url: string): string {
  return new URL(url).host;
}

Deno.test("a token is fetched once for one scope, and once more for another", async () => {
  await using registry = new TokenRegistry({ tokenSeconds: 60, login: LOGIN });
  const client = clientOf({ credentials: credentialsFor(registry.host) });
  for (let i = 0; i < 3; i++) await ask(client, registry.host);
  await ask(client, registry.host, { repository: "other" });
  assertEquals(registry.asked, ["repository:os:pull", "repository:other:pull"]);
});

Deno.test("requests at the same time share one token", async () => {
  await using registry = new TokenRegistry({ tokenSeconds: 60 });
  const client = clientOf();
  await Promise.all(Array.from({ length: 8 }, () => ask(client, registry.host)));
  assertEquals(registry.asked.length, 1);
});

Deno.test("a token that is no longer taken is renewed once", async () => {
  await using registry = new TokenRegistry({ tokenSeconds: 60 });
  const client = clientOf();
  await ask(client, registry.host);
  registry.forgetTokens();
  await ask(client, registry.host);
  assertEquals(registry.asked.length, 2);
});

Deno.test("a token is not used in the second half of a short life", async () => {
  await using registry = new TokenRegistry({ tokenSeconds: 0.2 });
  const client = clientOf();
  await ask(client, registry.host);
  await new Promise((resolve) => setTimeout(resolve, 120));
  const before = registry.requests.length;
  await ask(client, registry.host);
  const [first] = registry.requests.slice(before);
  assertEquals(first.headers.get("authorization"), null);
  assertEquals(registry.asked.length, 2);
});

Deno.test("an identity token is exchanged by POST", async () => {
  await using registry = new TokenRegistry({ tokenSeconds: 60, login: LOGIN, identity: "refresh" });
  const credentials = credentialsFor(registry.host, { identitytoken: "refresh" });
  await ask(clientOf({ credentials }), registry.host);
  const token = registry.requests.find(({ path }) => path.startsWith("/token"));
  assertEquals(token?.path, "/token");
  assertEquals(token?.headers.get("authorization"), null);
});

Deno.test("a registry token is used as it is", async () => {
  await using server = serve((request) =>
    request.headers.get("authorization") === "Bearer given"
      ? new Response("{}")
      : problem(401, "UNAUTHORIZED", {
        "www-authenticate": 'Bearer realm="https://absent.invalid/"',
      })
  );
  const host = hostOf(server.url);
  const credentials = credentialsFor(host, { registrytoken: "given" });
  assertEquals(await ask(clientOf({ credentials }), host), 200);
});

Deno.test("a wrong password is refused with what the token server says", async () => {
  await using registry = new TokenRegistry({
    tokenSeconds: 60,
    login: { ...LOGIN, password: "other" },
  });
  const client = clientOf({ credentials: credentialsFor(registry.host) });
  const error = await assertRejects(() => ask(client, registry.host), OrasError, "UNAUTHORIZED");
  assertEquals(error.code, "refused");
});

Deno.test("user and password are sent where the registry wants them, and only after it asked", async () => {
  const wanted = `Basic ${btoa("jo:se:cret")}`;
  await using server = serve((request) =>
    request.headers.get("authorization") === wanted
      ? new Response("{}")
      : problem(401, "UNAUTHORIZED", { "www-authenticate": 'BASIC Realm="r"' })
  );
  const host = hostOf(server.url);
  const client = clientOf({ credentials: credentialsFor(host) });
  await ask(client, host);
  await ask(client, host);
  const told = server.requests.map(({ headers }) => headers.get("authorization"));
  assertEquals(told, [null, wanted, wanted]);
  const error = await assertRejects(() => ask(clientOf(), host), OrasError, "none are known");
  assertEquals(error.code, "refused");
});

Deno.test("a registry that always answers 401 is asked twice", async () => {
  for (const challenge of ['Basic realm="r"', "Negotiate", ""]) {
    await using server = serve(() =>
      problem(401, "UNAUTHORIZED", { "www-authenticate": challenge })
    );
    const host = hostOf(server.url);
    const client = clientOf({ credentials: credentialsFor(host) });
    await assertRejects(() => ask(client, host), OrasError, "401");
    assert(server.requests.length <= 2);
  }
  await using registry: TokenRegistry = new TokenRegistry({
    intercept: (_, path): Response =>
      path === "/token" ? Response.json({ token: crypto.randomUUID() }) : problem(
        401,
        "UNAUTHORIZED",
        { "www-authenticate": `Bearer realm="http://${registry.host}/token"` },
      ),
  });
  await assertRejects(() => ask(clientOf(), registry.host), OrasError, "401");
  assertEquals(registry.requests.length, 3);
});

Deno.test("a password that is no longer taken is not said twice for one request", async () => {
  let taken = true;
  await using server = serve((request) =>
    taken && request.headers.has("authorization")
      ? new Response("{}")
      : problem(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="r"' })
  );
  const host = hostOf(server.url);
  const client = clientOf({ credentials: credentialsFor(host) });
  await ask(client, host);
  taken = false;
  await assertRejects(() => ask(client, host), OrasError, "401");
  assertEquals(server.requests.length, 3);
});

Deno.test("credentials go to no token server over plain http on another host", async () => {
  await using other = serve(() => Response.json({ token: "t" }));
  for (
    const realm of [
      other.url.replace("127.0.0.1", "localhost"),
      "http://token.example/",
      "file:///etc/passwd",
      "http://jo:pw@127.0.0.1/",
      "nonsense",
      "",
    ]
  ) {
    await using server = serve(() =>
      problem(401, "UNAUTHORIZED", { "www-authenticate": `Bearer realm="${realm}",service="s"` })
    );
    const host = hostOf(server.url);
    const client = clientOf({ credentials: credentialsFor(host) });
    const error = await assertRejects(() => ask(client, host), OrasError, "who gives tokens");
    assertEquals(error.code, "protocol");
  }
  assertEquals(other.requests.length, 0);
});

Deno.test("a token server that leads elsewhere is not followed with a token", async () => {
  await using other = serve(() => Response.json({ token: "t" }));
  await using registry = new TokenRegistry({
    tokenSeconds: 60,
    intercept: (_, path) =>
      path === "/token" ? Response.redirect(`${other.url}/x?secret`) : undefined,
  });
  const client = clientOf({ credentials: credentialsFor(registry.host) });
  const error = await assertRejects(() => ask(client, registry.host), OrasError, "leads to");
  assert(!error.message.includes("secret"));
  for (const { headers } of other.requests) assertEquals(headers.get("authorization"), null);
});

Deno.test("answers of token servers without a token are refused and not shown", async () => {
  const answers = [
    () => new Response("secret"),
    () => Response.json({ token: "secret\nx" }),
    () => Response.json({ token: 7 }),
    () => Response.json(null),
    () => Response.json({ token: "secret".repeat(20_000) }),
    () => new Response("<html>secret", { headers: { "content-type": "text/html" } }),
  ];
  for (const answer of answers) {
    await using registry = new TokenRegistry({
      tokenSeconds: 60,
      intercept: (_, path) => path === "/token" ? answer() : undefined,
    });
    const error = await assertRejects(() => ask(clientOf(), registry.host), OrasError);
    assertEquals(error.code, "protocol");
    assert(!error.message.includes("secret"), error.message);
  }
});

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
  assert(performance.now() - started < 5000);
});
