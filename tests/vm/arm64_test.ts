import { assertEquals, assertRejects } from "@std/assert";
import { ensureInstalled } from "../../tasks/debian.ts";
import { THERE } from "../../tasks/demo/course.ts";
import { demoNeeds, roundTrip } from "../../tasks/demo/round_trip.ts";
import { switchOn } from "../../tasks/demo/switch_on.ts";
import { assertTrip } from "./_round_trip.ts";

await ensureInstalled(...demoNeeds(true, "aarch64"));

Deno.test("an aarch64 node takes a release: its own firmware, GRUB, kernel and agent", async () => {
  const report = await roundTrip({ architecture: "aarch64", course: THERE, write: () => {} });
  assertTrip(report);
  assertEquals([report.architecture, report.firmware], ["aarch64", "uefi"]);
});

Deno.test("a machine whose firmware finds no GRUB is switched on three times", async () => {
  const disk = await Deno.makeTempFile();
  try {
    await Deno.truncate(disk, 1 << 20);
    const notes: string[] = [];
    const options = { disk, architecture: "aarch64", memory: 256 } as const;
    const starting = () => switchOn(options, (note) => notes.push(note), 1);
    await assertRejects(starting, Error, "nothing for 1 seconds");
    assertEquals(notes.length, 2);
  } finally {
    await Deno.remove(disk);
  }
});
