import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { chooseFormat, contentTypeOf, MAX_RANGES } from "../../mod/metrics/mod.ts";

const [TEXT, OPEN] = ["0.0.4", "1.0.0"];

/** What scrapers send, and what they are given. */
const CASES: readonly (readonly [accept: string | null, version: string])[] = [
  [null, TEXT],
  ["", TEXT],
  ["*/*", TEXT],
  // Prometheus 2.42
  [
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    OPEN,
  ],
  ["application/openmetrics-text; version=1.0.0; charset=utf-8", OPEN],
  ["Application/OpenMetrics-Text", OPEN],
  ['application/openmetrics-text;version="1.0.0"', OPEN],
  ["application/openmetrics-text;version=0.0.1", TEXT],
  ["text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4", TEXT],
  ["text/plain;q=0.3,application/openmetrics-text;q=0.4", OPEN],
  ["text/plain;q=0,*/*", OPEN],
  ["application/*", OPEN],
  ["application/openmetrics-text;q=0,application/*", TEXT],
  ["text/*;q=0.1,application/openmetrics-text;q=0.2", OPEN],
  ["*/*;q=0.1,text/plain;q=0.9,application/openmetrics-text;q=0.8", TEXT],
  // the version that is named decides, not the range beside it
  [
    "application/openmetrics-text;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.5",
    TEXT,
  ],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT],
  ["image/png", TEXT],
  ["application/openmetrics-text;q=2", TEXT],
  ["application/openmetrics-text;q=", TEXT],
  [`${"a/b,".repeat(MAX_RANGES)}application/openmetrics-text`, TEXT],
];

for (const [accept, version] of CASES) {
  Deno.test(`who accepts ${accept} is given version ${version}`, () => {
    assertEquals(chooseFormat(accept).version, version);
  });
}

Deno.test("any Accept field is answered", () => {
  const part = fc.constantFrom(
    "text/plain",
    "*/*",
    ";",
    ",",
    "q=",
    "0.5",
    "version=",
    "1.0.0",
    '"',
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(part).map((all) => all.join(""))), (accept) => {
      chooseFormat(accept).write([]);
    }),
  );
});

Deno.test("content types are those of the specifications", () => {
  assertEquals(contentTypeOf(chooseFormat(null)), "text/plain; version=0.0.4; charset=utf-8");
  assertEquals(
    contentTypeOf(chooseFormat("application/openmetrics-text")),
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
  );
});
