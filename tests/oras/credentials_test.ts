import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import fc from "fast-check";
import {
  CredentialFile,
  loadCredentials,
  MAX_CREDENTIALS_BYTES,
  OrasError,
} from "../../mod/oras/mod.ts";

const login = (user: string, password = "secret") => ({ auth: btoa(`${user}:${password}`) });

function file(content: unknown): CredentialFile {
  return new CredentialFile(JSON.stringify(content), "auth.json");
}

/** The user that is found for a repository. */
function userOf(content: unknown, registry: string, repository = "os"): string | undefined {
  const found = file(content).find(registry, repository);
  return found?.kind === "password" ? found.username : found?.kind;
}

Deno.test("user and password come out of base64", () => {
  const found = file({ auths: { "r.example": login("jo", "a:b\0\0") } }).find("r.example", "os");
  assertEquals(found, { kind: "password", username: "jo", password: "a:b" });
  const umlauts = { auth: btoa(String.fromCharCode(...new TextEncoder().encode("jö:ü"))) };
  assertEquals(file({ auths: { "r.example": umlauts } }).find("r.example", "os"), {
    kind: "password",
    username: "jö",
    password: "ü",
  });
});

Deno.test("tokens go before passwords", () => {
  const identity = { ...login("<token>", ""), identitytoken: "refresh" };
  assertEquals(file({ auths: { r: identity } }).find("r", "os"), {
    kind: "identity",
    token: "refresh",
  });
  assertEquals(file({ auths: { r: { ...identity, registrytoken: "t" } } }).find("r", "os"), {
    kind: "registry",
    token: "t",
  });
});

Deno.test("the longest path of registry and repository counts", () => {
  const auths = {
    "r.example": login("host"),
    "r.example/a": login("a"),
    "r.example/a/b/c": login("abc"),
    "r.example:5000": login("port"),
  };
  assertEquals(userOf({ auths }, "r.example", "x"), "host");
  assertEquals(userOf({ auths }, "r.example", "a"), "a");
  assertEquals(userOf({ auths }, "r.example", "a/b"), "a");
  assertEquals(userOf({ auths }, "r.example", "a/b/c/d"), "abc");
  assertEquals(userOf({ auths }, "r.example", "ab"), "host");
  assertEquals(userOf({ auths }, "r.example:5000", "a"), "port");
  assertEquals(userOf({ auths }, "other.example", "a"), undefined);
  assertEquals(userOf({}, "r.example"), undefined);
});

Deno.test("URLs as Docker once wrote them name a registry, and give way to plain names", () => {
  const auths = {
    "https://index.docker.io/v1/": login("hub"),
    "http://R.example/v2/": login("url"),
  };
  assertEquals(userOf({ auths }, "docker.io"), "hub");
  assertEquals(userOf({ auths }, "r.example"), "url");
  assertEquals(userOf({ auths: { ...auths, "r.example": login("name") } }, "r.example"), "name");
});

Deno.test("a credential helper that would be asked is named", () => {
  const content = { auths: { "r.example": login("jo") }, credHelpers: { "r.example": "pass" } };
  assertThrows(() => userOf(content, "r.example"), OrasError, "docker-credential-pass");
  assertEquals(userOf(content, "other.example"), undefined);
});

Deno.test("a credential store counts where the file marks that it has something", () => {
  const content = {
    auths: { "r.example": {}, "other.example": login("jo") },
    credsStore: "desktop",
  };
  assertThrows(() => userOf(content, "r.example"), OrasError, "docker-credential-desktop");
  assertEquals(userOf(content, "other.example"), "jo");
  assertEquals(userOf(content, "third.example"), undefined);
});

Deno.test("what is no such file is refused without showing it", () => {
  const bad = [
    "secret",
    '{"auths": {"r": {"auth": "secret"',
    "[]",
    '{"auths": ["secret"]}',
    '{"auths": {"r": "secret"}}',
    '{"auths": {"r": {"auth": "c2VjcmV0"}}}',
    '{"auths": {"r": {"auth": "secret!"}}}',
    '{"auths": {"r": {"auth": 7}}}',
    '{"auths": {"r": {"registrytoken": "secret\\nX: y"}}}',
    '{"credHelpers": {"r": 7}}',
    '{"credsStore": 7}',
  ];
  for (const text of bad) {
    const error = assertThrows(() => new CredentialFile(text, "auth.json"), OrasError, "auth.json");
    assertEquals(error.code, "io");
    assert(!/secret|c2Vj/.test(`${error.message} ${error.cause ?? ""}`), error.message);
  }
});

Deno.test("any JSON is read or refused", () => {
  const hostile = fc.oneof(
    fc.json(),
    fc.json().map((json) => `{"auths": {"r": ${json}, "__proto__": ${json}}}`),
    fc.json().map((json) => `{"auths": ${json}, "credHelpers": ${json}}`),
  );
  fc.assert(fc.property(hostile, (text) => {
    try {
      new CredentialFile(text, "auth.json").find("r", "os");
    } catch (error) {
      assert(error instanceof OrasError);
    }
  }));
});

Deno.test("of several files, the first that knows the registry counts", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [first, second, empty] = ["a", "b", "c"].map((name) => join(directory, name));
    await Deno.writeTextFile(first, JSON.stringify({ auths: { r: login("first") } }));
    await Deno.writeTextFile(
      second,
      JSON.stringify({ auths: { r: login("second"), s: login("s") } }),
    );
    await Deno.writeTextFile(empty, "\n");
    const found = await loadCredentials([join(directory, "absent"), empty, first, second]);
    assertEquals(found.find("r", "os"), {
      kind: "password",
      username: "first",
      password: "secret",
    });
    assertEquals(found.find("s", "os"), { kind: "password", username: "s", password: "secret" });
    assertEquals(found.find("t", "os"), undefined);
    assertEquals((await loadCredentials([])).find("r", "os"), undefined);

    await assertRejects(() => loadCredentials([directory]), OrasError, directory);
    await Deno.writeFile(empty, new Uint8Array(MAX_CREDENTIALS_BYTES + 1).fill(32));
    await assertRejects(() => loadCredentials([empty]), OrasError, "more than");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
