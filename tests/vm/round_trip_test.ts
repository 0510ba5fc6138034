import { assertStringIncludes } from "@std/assert";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, roundTrip } from "../../tasks/demo/round_trip.ts";
import { assertRoundTrip } from "./_round_trip.ts";

Deno.test("a node takes a good release, and comes back by itself from a bad one", async () => {
  await ensureInstalled(...demoNeeds(false));
  let told = "";
  const report = await roundTrip({ write: (text) => told += text });
  assertRoundTrip(report);
  assertStringIncludes(
    told,
    "Boot 6: GRUB starts slot B: the other slot used up its three attempts",
  );
});
