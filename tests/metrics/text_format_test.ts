import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  checkFamilies,
  type Family,
  type MetricType,
  OPEN_METRICS_TEXT,
  PROMETHEUS_TEXT,
} from "../../mod/metrics/mod.ts";
import { parseText } from "./_parse_text.ts";

/** Text with everything in it that has to be escaped, and what must not be. */
const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({
    unit: fc.constantFrom("\\", '"', "\n", "n", ",", "{", "}", "=", "#", " ", "\r", "é"),
  }),
);
const label = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,8}$/)
  .filter((name) => !["constructor", "toString", "valueOf"].includes(name));
const SUFFIX = { gauge: "", counter: "_total", info: "_info" } as const;

const familyOf = (type: MetricType): fc.Arbitrary<Family> => {
  const value = type === "info"
    ? fc.constant(1)
    : type === "counter"
    ? fc.nat().map(Number)
    : fc.double().map((number) => number === 0 ? 0 : number);
  return fc.record({
    name: fc.stringMatching(/^[a-z][a-z_]{0,12}x$/).map((stem) => stem + SUFFIX[type]),
    type: fc.constant(type),
    help: text,
    samples: fc.uniqueArray(
      fc.record({
        labels: fc.dictionary(label, text, { minKeys: 1, noNullPrototype: true }),
        value,
      }),
      {
        minLength: 1,
        maxLength: 5,
        selector: ({ labels }) => JSON.stringify(Object.entries(labels).sort()),
      },
    ),
  });
};
const families = fc.uniqueArray(
  fc.oneof(familyOf("gauge"), familyOf("counter"), familyOf("info")),
  { maxLength: 6, selector: ({ name }) => name.replace(/_(total|info)$/, "") },
);

Deno.test("whatever is written in OpenMetrics reads back the same", () => {
  fc.assert(fc.property(families, (value) => {
    assertEquals(parseText(OPEN_METRICS_TEXT.write(value), true), value);
  }));
});

Deno.test("whatever is written in Prometheus's format reads back the same, but an info as a gauge", () => {
  fc.assert(fc.property(families, (value) => {
    const type = (family: Family) => family.type === "info" ? "gauge" : family.type;
    assertEquals(
      parseText(PROMETHEUS_TEXT.write(value), false),
      value.map((family) => ({ ...family, type: type(family) })),
    );
  }));
});

const FAMILIES: readonly Family[] = [
  {
    name: "node_reads_bytes_total",
    type: "counter",
    help: 'Bytes of "C:\\".',
    unit: "bytes",
    samples: [{ labels: { disk: 'a"b\\c\nd' }, value: 12 }, { value: 1e21 }],
  },
  {
    name: "node_info",
    type: "info",
    help: "The node.",
    samples: [{ labels: { v: "1" }, value: 1 }],
  },
  {
    name: "node_odd",
    type: "gauge",
    help: "Odd numbers.",
    samples: [NaN, Infinity, -Infinity, -0.5].map((value, at) => ({
      labels: { at: `${at}` },
      value,
    })),
  },
  { name: "node_none", type: "gauge", help: "Nothing is known.", samples: [] },
];

Deno.test("the two formats, byte for byte", () => {
  assertEquals(
    PROMETHEUS_TEXT.write(FAMILIES),
    `# HELP node_reads_bytes_total Bytes of "C:\\\\".
# TYPE node_reads_bytes_total counter
node_reads_bytes_total{disk="a\\"b\\\\c\\nd"} 12
node_reads_bytes_total 1e+21
# HELP node_info The node.
# TYPE node_info gauge
node_info{v="1"} 1
# HELP node_odd Odd numbers.
# TYPE node_odd gauge
node_odd{at="0"} NaN
node_odd{at="1"} +Inf
node_odd{at="2"} -Inf
node_odd{at="3"} -0.5
`,
  );
  assertEquals(
    OPEN_METRICS_TEXT.write(FAMILIES.slice(0, 2)),
    `# TYPE node_reads_bytes counter
# UNIT node_reads_bytes bytes
# HELP node_reads_bytes Bytes of \\"C:\\\\\\".
node_reads_bytes_total{disk="a\\"b\\\\c\\nd"} 12
node_reads_bytes_total 1e+21
# TYPE node info
# HELP node The node.
node_info{v="1"} 1
# EOF
`,
  );
  assertEquals([PROMETHEUS_TEXT.write([]), OPEN_METRICS_TEXT.write([])], ["", "# EOF\n"]);
});

Deno.test("families that no scraper would take are a defect, and named", () => {
  const good: Family = { name: "a_seconds", type: "gauge", help: "", samples: [{ value: 1 }] };
  const cases: readonly [problem: string, ...families: Family[]][] = [
    ["a b is no name", { ...good, name: "a b" }],
    ["does not end in _total", { ...good, type: "counter" }],
    ["does not end in _info", { ...good, type: "info" }],
    ["a_total is no gauge's name", { ...good, name: "a_total" }],
    ["a_seconds is not in bytes", { ...good, unit: "bytes" }],
    ["a_seconds is there twice", good, good],
    ["a_seconds_total is there twice", good, { ...good, name: "a_seconds_total", type: "counter" }],
    ['has a label "__name__"', { ...good, samples: [{ labels: { __name__: "x" }, value: 1 }] }],
    ['has a label "a-b"', { ...good, samples: [{ labels: { "a-b": "x" }, value: 1 }] }],
    ["counts below 0", { ...good, name: "a_total", type: "counter", samples: [{ value: -1 }] }],
    ["is not 1", { ...good, name: "a_info", type: "info", samples: [{ value: 0 }] }],
    ["has [] twice", { ...good, samples: [{ value: 1 }, { value: 2 }] }],
    ["twice", {
      ...good,
      samples: [{ labels: { a: "1", b: "2" }, value: 1 }, {
        labels: { b: "2", a: "1" },
        value: 2,
      }],
    }],
  ];
  checkFamilies([good]);
  for (const [problem, ...value] of cases) {
    for (const format of [PROMETHEUS_TEXT, OPEN_METRICS_TEXT]) {
      assertThrows(() => format.write(value), Error, problem);
    }
  }
});
