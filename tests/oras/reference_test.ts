import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  formatReference,
  isRegistry,
  isRepository,
  isTag,
  OrasError,
  parseReference,
} from "../../mod/oras/mod.ts";

const DIGEST = `sha256:${"0a".repeat(32)}`;

Deno.test("a reference has a registry, a repository, and perhaps a tag and a digest", () => {
  const repository = { registry: "registry.example:5000", repository: "os/edge/stable" };
  const text = "registry.example:5000/os/edge/stable";
  assertEquals(parseReference(text), repository);
  assertEquals(parseReference(`${text}:1.2.0`), { ...repository, tag: "1.2.0" });
  assertEquals(parseReference(`${text}@${DIGEST}`), { ...repository, digest: DIGEST });
  assertEquals(parseReference(`${text}:v1@${DIGEST}`), {
    ...repository,
    tag: "v1",
    digest: DIGEST,
  });
});

Deno.test("registries may be localhost, addresses, and names in capitals", () => {
  const registryOf = (text: string) => parseReference(text).registry;
  assertEquals(registryOf("localhost/os"), "localhost");
  assertEquals(registryOf("localhost:5000/os:1"), "localhost:5000");
  assertEquals(registryOf("127.0.0.1:5000/os"), "127.0.0.1:5000");
  assertEquals(registryOf("[::1]/os"), "[::1]");
  assertEquals(registryOf("[2001:DB8::7]:443/os:1"), "[2001:db8::7]:443");
  assertEquals(registryOf("node:5000/os"), "node:5000");
  assertEquals(registryOf("Registry.Example/os"), "registry.example");
});

Deno.test("short names of Docker Hub are refused, and the answer says how to write them", () => {
  for (const text of ["alpine", "alpine:3", "library/alpine", `alpine@${DIGEST}`, ""]) {
    assertThrows(
      () => parseReference(text),
      OrasError,
      "write it such as docker.io/library/alpine",
    );
  }
});

Deno.test("what the grammar does not have is no reference", () => {
  const bad = [
    "host.example/",
    "host.example//os",
    "host.example/os/",
    "host.example/OS",
    "host.example/os/../etc",
    "host.example/./os",
    "host.example/os..x",
    "host.example/os___x",
    "host.example/-os",
    "host.example/os:",
    "host.example/os:.hidden",
    "host.example/os:a/b",
    "host.example/os:a:b",
    `host.example/os:${"a".repeat(129)}`,
    "host.example/os@",
    "host.example/os@sha256:00",
    `host.example/os@sha512:${"0".repeat(128)}`,
    `host.example/os@${DIGEST.toUpperCase()}`,
    `host.example/os@${DIGEST}@${DIGEST}`,
    `host.example/${"a".repeat(250)}`,
    "user@host.example/os",
    "https://host.example/os",
    "host.example:0/os",
    "host.example:65536/os",
    "host.example:/os",
    "host..example/os",
    "1.2.3.999/os",
    "[::1/os",
    "[::1%eth0]/os",
    "[::zz]/os",
    "host.example/os?x",
    "host.example/os#x",
    "host.example/o s",
    "host.example/os\n",
    "host.example/os:1\n",
  ];
  for (const text of bad) {
    assertThrows(() => parseReference(text), OrasError, "reading the reference");
  }
});

Deno.test("a complaint does not repeat what drives a terminal", () => {
  const { message } = assertThrows(() => parseReference("\x1b]0;x\x07\u202eos"), OrasError);
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f\u202e]/.test(message), message);
});

const letters = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const component = fc.array(letters, { minLength: 1, maxLength: 3 }).chain((parts) =>
  fc.constantFrom(".", "_", "__", "-", "--").map((separator) => parts.join(separator))
);
const registry = fc.constantFrom(
  "localhost",
  "localhost:5000",
  "10.0.0.1:1",
  "[::1]:65535",
  "a.b-c.example",
);
const reference = fc.record({
  registry,
  repository: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
  tag: fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/),
  digest: fc.stringMatching(/^[0-9a-f]{64}$/).map((digits) => `sha256:${digits}`),
}, { requiredKeys: ["registry", "repository"] });

Deno.test("whatever is formatted reads back as it was", () => {
  fc.assert(fc.property(reference, (wanted) => {
    assertEquals({ ...parseReference(formatReference(wanted)) }, { ...wanted });
  }));
});

Deno.test("hostile text is refused, or yields parts of the grammar only", () => {
  const part = fc.constantFrom(
    "/",
    "..",
    ".",
    ":",
    "@",
    "%2e",
    "\\",
    "\0",
    "[",
    "]",
    "a.b",
    "x",
    "é",
  );
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(part, fc.string({ maxLength: 4 })), { maxLength: 12 }).map((all) =>
      all.join("")
    ),
    fc.string().map((text) => `a.b/x${text}`),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      let found;
      try {
        found = parseReference(text);
      } catch (error) {
        assert(error instanceof OrasError && error.code === "reference");
        return;
      }
      assert(isRegistry(found.registry) && !/[/\\%@]/.test(found.registry));
      assert(isRepository(found.repository));
      assert(found.repository.split("/").every((name) => /^[a-z0-9]/.test(name)));
      assert(found.tag === undefined || (isTag(found.tag) && !/[/\\%:]/.test(found.tag)));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a long hostile name is refused at once", () => {
  const started = performance.now();
  for (const unit of ["a-", "a", "-", "a.", "_"]) {
    assertThrows(() => parseReference(`h.x/${unit.repeat(1 << 20)}!`), OrasError);
    assertEquals(isRepository(`${unit.repeat(126)}!`), false);
  }
  assert(performance.now() - started < 10_000);
});
