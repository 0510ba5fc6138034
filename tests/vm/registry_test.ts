import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, roundTrip, THERE } from "../../tasks/demo/round_trip.ts";
import type { UpdateServer } from "../../tasks/demo/site.ts";
import { publishRelease } from "../../tasks/publish/artifact.ts";
import { openDestination } from "../../tasks/publish/destination.ts";
import { publishIndex } from "../../tasks/publish/release_index.ts";
import { HOST_ADDRESS } from "../../tasks/vm.ts";
import { Registry } from "../oras/_registry.ts";
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

/** The releases below `directory`, from a real registry. */
async function serveFromRegistry(directory: string): Promise<UpdateServer> {
  const registry = await Registry.start();
  const repository = "site/os";
  return {
    address: registry.host.replace("127.0.0.1", HOST_ADDRESS) + `/${repository}`,
    flags: "--plain-http",
    async publish(version) {
      const to = `${registry.host}/${repository}:${version}`;
      const { target } = await openDestination(to, { plainHttp: true });
      await publishRelease(`${directory}/${version}`, target, version);
      await publishIndex(target, [version], "stable");
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}
