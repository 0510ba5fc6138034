import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareVersions, isVersion, MAX_VERSION_LENGTH } from "../../mod/core/mod.ts";

const anyText = fc.string({ unit: fc.nat(0x20ff).map((code) => String.fromCharCode(code)) });

const RISING = [
  "0.9.9",
  "1.0.0-alpha",
  "1.0.0-rc.1",
  "1.0.0-rc.2",
  "1.0.0-rc.10",
  "1.0.0-rc1",
  "1.0.0",
  "1.0.10",
  "1.2.0",
  "1.10.0",
  "2.0.0-rc.1",
  "2.0.0",
  "2025.12.31",
  "2026.01.02",
  "2026.01.15-rc.1",
  "2026.01.15",
  "2026.10.01",
];

Deno.test("versions are compared by their numbers, with or without leading zeros", () => {
  for (const [index, version] of RISING.entries()) {
    assert(isVersion(version), version);
    for (const [other, against] of RISING.entries()) {
      const sign = Math.sign(compareVersions(version, against));
      assertEquals(sign, Math.sign(index - other), `${version} against ${against}`);
    }
  }
  assertEquals(compareVersions("2026.1.5", "2026.01.05"), 0);
});

Deno.test("what cannot be compared is no version", () => {
  const wrong = ["", "1", "1.2", "newest", "1.2.3.4", "-1.2.3", "../1.2.3", "1.2.3 4.5.6"];
  const surrounded = [" 1.2.3", "1.2.3\n", "\t1.2.3", "1.2.3\u00a0", "=1.2.3", "1.2.3\x1b[2J"];
  const huge = ["99999999999999999999.0.0", `1.2.3-${"x".repeat(MAX_VERSION_LENGTH)}`];
  for (const text of [...wrong, ...surrounded, ...huge]) {
    assertEquals(isVersion(text), false, JSON.stringify(text));
  }
});

Deno.test("a version is safe in a file's line, in a message and in a terminal", () => {
  fc.assert(fc.property(anyText, (text) => {
    for (const version of [text, `1.2.3${text}`, `${text}1.2.3`]) {
      if (isVersion(version)) assert(/^[\x21-\x7e]+$/.test(version), JSON.stringify(version));
    }
  }));
});
