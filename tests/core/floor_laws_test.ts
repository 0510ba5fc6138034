import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  accepting,
  compareVersions,
  confirming,
  type Floor,
  formatFloor,
  highest,
  parseFloor,
} from "../../mod/core/mod.ts";
import { filesRelease } from "../fakes/memory_machine.ts";

const NOW = new Date("2026-06-01T00:00:00Z");
const VERSION = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((parts) => parts.join("."));
const TIME = fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString());
const FLOOR: fc.Arbitrary<Floor> = fc.record({
  version: VERSION,
  min_allowed_version: VERSION,
  metadata_versions: fc.dictionary(fc.constantFrom("stable", "beta", "__proto__"), fc.nat()),
  time: TIME,
  root_version: fc.nat(),
}, { requiredKeys: [] });

/** Whether nothing that `b` holds back would pass `a`. */
function covers(a: Floor, b: Floor): boolean {
  const version = (key: "version" | "min_allowed_version") =>
    b[key] === undefined || (a[key] !== undefined && compareVersions(a[key], b[key]) >= 0);
  return version("version") && version("min_allowed_version") &&
    (a.root_version ?? -1) >= (b.root_version ?? -1) &&
    (b.time === undefined || (a.time !== undefined && Date.parse(a.time) >= Date.parse(b.time))) &&
    Object.entries(b.metadata_versions ?? {}).every(([channel, number]) =>
      (Object.entries(a.metadata_versions ?? {}).find(([name]) => name === channel)?.[1] ?? -1) >=
        number
    );
}

Deno.test("whatever happens to a floor, it never falls", () => {
  fc.assert(fc.property(FLOOR, FLOOR, (a, b) => {
    const both = highest(a, b);
    assert(covers(both, a) && covers(both, b));
    assert(covers(highest(b, a), both) && covers(both, highest(b, a)));
    assertEquals(highest(both, undefined, both), both);
    assertEquals(parseFloor(formatFloor(both)), both);
  }));
  fc.assert(fc.property(
    FLOOR,
    fc.option(fc.nat(), { nil: undefined }),
    fc.option(fc.oneof(TIME, fc.string()), { nil: undefined }),
    fc.option(TIME, { nil: undefined }),
    fc.option(fc.oneof(VERSION, fc.string()), { nil: undefined }),
    fc.option(VERSION, { nil: undefined }),
    fc.option(fc.nat(), { nil: undefined }),
    (floor, metadataVersion, date, expires, version, raises, root) => {
      const { release } = filesRelease("1.0.0");
      const accepted = accepting(
        floor,
        { ...release, metadataVersion, date, expires },
        { channel: "stable", at: NOW, root },
      );
      assert(covers(accepted, floor));
      const confirmed = confirming(accepted, version, raises);
      assert(covers(confirmed, accepted));
      assertEquals(parseFloor(formatFloor(confirmed)), confirmed, "and can be kept");
    },
  ));
});

Deno.test("a release that is older than its own end says what time it is, another does not", () => {
  const { release } = filesRelease("1.0.0");
  const time = (date: string, expires?: string) =>
    accepting(undefined, { ...release, date, expires }, { channel: "stable", at: NOW }).time;
  assertEquals(time("2026-07-01T00:00:00Z"), "2026-07-01T00:00:00Z");
  assertEquals(time("2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"), "2026-07-01T00:00:00Z");
  assertEquals(time("2062-07-01T00:00:00Z", "2026-08-01T00:00:00Z"), undefined);
  assertEquals(time("July"), undefined);
  assertEquals(time("2028-05-30T00:00:00Z"), "2028-05-30T00:00:00Z", "the clock may be slow");
  assertEquals(time("2062-07-01T00:00:00Z"), undefined, "somebody has mistyped the year");
});
