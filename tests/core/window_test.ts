import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  isOpen,
  localTime,
  MAX_WINDOWS,
  nextOpening,
  parseWindow,
  UpdateError,
} from "../../mod/core/mod.ts";

/** A day of the week that begins on Monday, 12 January 2026. */
const WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** A moment of that week, such as `Sat 22:00`. */
function at(text: string): Date {
  const [day, hours, minutes] = text.split(/[ :]/);
  return new Date(2026, 0, 12 + WEEK.indexOf(day), Number(hours), Number(minutes));
}

function open(window: string, ...moments: readonly string[]): boolean[] {
  return moments.map((moment) => isOpen(parseWindow(window), at(moment)));
}

Deno.test("a window that wraps midnight is open on both sides of it", () => {
  const window = "22:00-04:00";
  assertEquals(open(window, "Thu 21:59", "Thu 22:00", "Thu 23:59"), [false, true, true]);
  assertEquals(open(window, "Fri 00:00", "Fri 03:59", "Fri 04:00"), [true, true, false]);
});

Deno.test("a window that does not wrap is open between its ends", () => {
  const window = "02:00-04:30";
  assertEquals(open(window, "Thu 01:59", "Thu 02:00", "Thu 04:29", "Thu 04:30"), [
    false,
    true,
    true,
    false,
  ]);
  assertEquals(open("Sat 00:00-24:00", "Fri 23:59", "Sat 00:00", "Sat 23:59", "Sun 00:00"), [
    false,
    true,
    true,
    false,
  ]);
});

Deno.test("what wraps midnight belongs to the day on which it starts", () => {
  const window = "Sat,Sun 22:00-04:00";
  assertEquals(open(window, "Sat 03:00", "Sat 22:00", "Sun 03:00", "Sun 22:00", "Mon 03:00"), [
    false,
    true,
    true,
    true,
    true,
  ]);
  assertEquals(open(window, "Mon 04:00", "Mon 22:00", "Fri 23:00"), [false, false, false]);
});

Deno.test("weekdays are lists and ranges, which may go over the end of the week", () => {
  const days = (list: string) =>
    WEEK.filter((day) => isOpen(parseWindow(`${list} 12:00-13:00`), at(`${day} 12:30`))).join();
  assertEquals(days("Mon-Fri"), "Mon,Tue,Wed,Thu,Fri");
  assertEquals(days("Sat-Mon"), "Mon,Sat,Sun");
  assertEquals(days("mon,WED,Wed"), "Mon,Wed");
  assertEquals(days("Tue-Wed,Sun"), "Tue,Wed,Sun");
  assertEquals(days("Sun-Sat"), "Mon,Tue,Wed,Thu,Fri,Sat,Sun");
});

Deno.test("of several windows any one will do", () => {
  const window = "Sat,Sun 22:00-04:00; Mon-Fri 01:00-03:00";
  assertEquals(open(window, "Sat 23:00", "Mon 03:30", "Tue 02:00", "Tue 03:30", "Sat 02:00"), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assertEquals(parseWindow(" Sat 22:00-04:00 ;\tSun 01:00-03:00 ").text.split("; ").length, 2);
});

Deno.test("a window that is none is a wrong setting", () => {
  const times = ["", "22:00", "22:00-22:00", "24:00-01:00", "22:60-23:00", "2:00-4:00", "22-04"];
  const more = ["22:00-24:01", "22:00-04:00\n", "22:00–04:00", "always", "00:00-00:00"];
  const days = ["Sab 22:00-23:00", "Mon- 1:00-2:00", "Mon-Tue-Wed 01:00-02:00", ",Mon 01:00-02:00"];
  const lists = ["22:00-23:00;", ";", "22:00-23:00;;01:00-02:00", "Mon 22:00-23:00,01:00-02:00"];
  const huge = Array(MAX_WINDOWS + 1).fill("01:00-02:00").join(";");
  for (const window of [...times, ...more, ...days, ...lists, huge, "Mon".repeat(100_000)]) {
    const error = assertThrows(() => parseWindow(window), UpdateError);
    assertEquals(error.code, "usage");
  }
  assertThrows(() => parseWindow("04:00-04:00"), UpdateError, "which ends when it starts");
});

const time = fc.record({ hours: fc.nat(23), minutes: fc.nat(59) }).map(({ hours, minutes }) =>
  `${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`
);
const span = fc.tuple(fc.subarray(WEEK), time, time).filter(([, start, end]) => start !== end);

Deno.test("walking from each start, a window is open until its end is met, for every minute", () => {
  const minuteOf = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 4 }), (spans) => {
      const expected = new Set<number>();
      for (const [days, start, end] of spans) {
        for (const day of days.length > 0 ? days : WEEK) {
          let walker = WEEK.indexOf(day) * 1440 + minuteOf(start);
          for (; walker % 1440 !== minuteOf(end); walker = (walker + 1) % (7 * 1440)) {
            expected.add(walker);
          }
        }
      }
      const text = spans.map(([days, start, end]) => `${days.join()} ${start}-${end}`).join(";");
      const window = parseWindow(text);
      for (let minute = 0; minute < 7 * 1440; minute += 7) {
        const now = new Date(2026, 0, 12, 0, minute);
        assertEquals(isOpen(window, now), expected.has(minute), `${text} at ${now}`);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("the next opening is the first minute in which the window is open", () => {
  fc.assert(
    fc.property(span, fc.nat(7 * 1440), ([days, start, end], minute) => {
      const window = parseWindow(`${days.join()} ${start}-${end}`);
      const now = new Date(2026, 0, 12, 0, minute);
      fc.pre(!isOpen(window, now));
      const opening = nextOpening(window, now);
      assert(opening && opening > now && isOpen(window, opening));
      assertEquals(localTime(opening).slice(15, 20), start);
      const before = new Date(opening.getTime() - 60_000);
      assertEquals(isOpen(window, before), false);
    }),
    { numRuns: 50 },
  );
});

Deno.test("any text is a window or a wrong setting, and never anything else", () => {
  const pieces = fc.constantFrom("Mon", "-", ",", ";", " ", "22:00", "04:00", "24:00", "é", "\t");
  fc.assert(fc.property(fc.array(pieces, { maxLength: 12 }), (words) => {
    try {
      const { spans, text } = parseWindow(words.join(""));
      assert(spans.length > 0);
      assertEquals(parseWindow(text).spans, spans, "what is shown can be written");
    } catch (error) {
      assert(error instanceof UpdateError && error.code === "usage");
    }
  }));
});

/** What a program prints that runs in another time zone. */
async function elsewhere(zone: string, script: string): Promise<unknown> {
  const core = import.meta.resolve("../../mod/core/mod.ts");
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import * as core from ${JSON.stringify(core)}; ${script}`],
    env: { TZ: zone },
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("where clocks are changed, a window opens by the clock on the wall", async () => {
  const found = await elsewhere(
    "Europe/Berlin",
    `
    const { isOpen, localTime, nextOpening, parseWindow } = core;
    const opening = (window, now) => localTime(nextOpening(parseWindow(window), new Date(now)));
    const minutes = (window, from) => {
      let count = 0;
      for (let at = Date.parse(from), n = 0; n < 1440; n++, at += 60_000) {
        if (isOpen(parseWindow(window), new Date(at))) count++;
      }
      return count;
    };
    console.log(JSON.stringify([
      // on 29 March 2026 there is no time between two and three
      opening("Sun 02:15-02:45", "2026-03-28T23:00:00Z"),
      opening("02:15-02:45", "2026-03-28T23:00:00Z"),
      opening("02:30-03:30", "2026-03-28T23:00:00Z"),
      minutes("01:30-03:30", "2026-03-28T23:00:00Z"),
      minutes("02:15-02:45", "2026-03-28T23:00:00Z"),
      // on 25 October 2026 it comes twice
      minutes("02:15-02:45", "2026-10-24T22:00:00Z"),
      minutes("22:00-04:00", "2026-10-24T18:00:00Z"),
    ]));`,
  );
  assertEquals(found, [
    "Sun 2026-04-05 02:15 +02:00",
    "Mon 2026-03-30 02:15 +02:00",
    "Sun 2026-03-29 03:00 +02:00",
    60,
    0,
    60,
    7 * 60,
  ]);
});
