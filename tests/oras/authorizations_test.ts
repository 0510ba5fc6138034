import { assert, assertEquals, assertRejects } from "@std/assert";
import { OrasError } from "../../mod/oras/mod.ts";
import { serve } from "../http/_servers.ts";
import { ask, clientOf, credentialsFor, hostOf, LOGIN } from "./_asking.ts";
import { problem, TokenRegistry } from "./_token_registry.ts";

/** For as long as this is in use, so many seconds more have passed by the clock that nobody sets. */
function later(seconds: number): Disposable {
  const { now } = performance;
  performance.now = () => now.call(performance) + 1000 * seconds;
  return { [Symbol.dispose]: () => void (performance.now = now) };
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
  await using registry = new TokenRegistry({ tokenSeconds: 12 });
  const client = clientOf();
  await ask(client, registry.host);
  using _ = later(7);
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
