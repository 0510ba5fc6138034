import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_CHALLENGE_LENGTH, parseChallenges } from "../../mod/oras/mod.ts";

/** Scheme, and parameters or token68, of each challenge. */
function read(header: string) {
  return parseChallenges(header).map(({ scheme, token68, parameters }) =>
    token68 === undefined ? [scheme, Object.fromEntries(parameters)] : [scheme, token68]
  );
}

Deno.test("a token server's challenge is read", () => {
  const header =
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:os:pull,push"';
  assertEquals(read(header), [[
    "bearer",
    { realm: "https://auth.example/token", service: "registry", scope: "repository:os:pull,push" },
  ]]);
});

Deno.test("several challenges are told apart", () => {
  assertEquals(
    read('Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"'),
    [["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }], [
      "basic",
      { realm: "simple" },
    ]],
  );
  assertEquals(read("Negotiate, NTLM , Basic realm=x"), [["negotiate", {}], ["ntlm", {}], [
    "basic",
    { realm: "x" },
  ]]);
});

Deno.test("a token68 is no parameter", () => {
  assertEquals(read("Negotiate oYGa==, Basic realm=a"), [["negotiate", "oYGa=="], ["basic", {
    realm: "a",
  }]]);
  assertEquals(read("Other a=, Basic realm=a"), [["other", "a="], ["basic", { realm: "a" }]]);
});

Deno.test("case, empty elements and spaces do not matter", () => {
  assertEquals(read(',, bEARER \t REALM = "r" ,, Service\t=s ,'), [["bearer", {
    realm: "r",
    service: "s",
  }]]);
});

Deno.test("of a parameter given twice, the first counts", () => {
  assertEquals(read('Bearer realm="a", realm="b"'), [["bearer", { realm: "a" }]]);
});

Deno.test("commas, schemes and escapes within quotes are text", () => {
  assertEquals(read('Basic realm="a, Bearer realm=\\"b\\\\"'), [["basic", {
    realm: 'a, Bearer realm="b\\',
  }]]);
});

Deno.test("what is broken ends the reading", () => {
  assertEquals(read('Basic realm="open'), [["basic", {}]]);
  assertEquals(read('Basic realm="a" x, Bearer realm="b"'), [["basic", { realm: "a" }]]);
  assertEquals(read("Basic realm="), [["basic", "realm="]]);
  assertEquals(read("Basic@x"), []);
  assertEquals(read("="), []);
  assertEquals(parseChallenges(null), []);
  assertEquals(read(`Basic realm="${"a".repeat(MAX_CHALLENGE_LENGTH)}"`), []);
});

const token = fc.stringMatching(/^[a-z][a-z0-9!#$%&'*+.^_`|~-]{0,8}$/);
const challenge = fc.record({
  scheme: token,
  parameters: fc.uniqueArray(fc.tuple(token, fc.string({ unit: "binary" })), {
    selector: ([name]) => name,
    maxLength: 4,
  }),
});

Deno.test("whatever is quoted reads back as it was", () => {
  fc.assert(fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
    const header = challenges.map(({ scheme, parameters }) =>
      `${scheme} ${
        parameters.map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, "\\$&")}"`).join(
          ", ",
        )
      }`
    ).join(", ");
    assertEquals(
      parseChallenges(header).map(({ scheme, parameters }) => ({
        scheme,
        parameters: [...parameters],
      })),
      challenges,
    );
  }));
});

Deno.test("no text keeps the reader busy or brings it down", () => {
  const part = fc.constantFrom('"', "\\", ",", "=", " ", "Basic", "realm", "a", "\0");
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(part).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      for (const { scheme } of parseChallenges(text)) assertEquals(scheme, scheme.toLowerCase());
    }),
    { numRuns: 2000 },
  );
  const started = performance.now();
  for (const text of ['"\\', "a=", "a ", ",", "a,", '"']) {
    parseChallenges(`Basic realm="${text.repeat(MAX_CHALLENGE_LENGTH / 2 - 20)}`);
  }
  assert(performance.now() - started < 10_000);
});
