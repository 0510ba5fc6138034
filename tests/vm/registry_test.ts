import { ensureInstalled } from "../../tasks/debian.ts";
import { serveFromRegistry } from "../../tasks/demo/registry_site.ts";
import { THERE } from "../../tasks/demo/course.ts";
import { demoNeeds, roundTrip } from "../../tasks/demo/round_trip.ts";
import { assertTrip } from "./_round_trip.ts";

Deno.test("a node takes a release from a registry", async () => {
  await ensureInstalled(...demoNeeds(true));
  const report = await roundTrip({
    uefi: true,
    course: THERE,
    write: () => {},
    serve: serveFromRegistry,
  });
  assertTrip(report);
});
