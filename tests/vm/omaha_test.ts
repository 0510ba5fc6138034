import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ensureInstalled } from "../../tasks/debian.ts";
import { serveToFleet } from "../../tasks/demo/omaha_site.ts";
import { THERE } from "../../tasks/demo/course.ts";
import { demoNeeds, roundTrip } from "../../tasks/demo/round_trip.ts";
import { assertTrip } from "./_round_trip.ts";

/** Milliseconds between two looks at the status page. */
const LOOK_MS = 500;

/** What a server's status page has shown of the one node that asks it. */
class Watch {
  /** Version and phase, each time that one of them has changed. */
  readonly seen: string[] = [];
  /** The page as it was last. */
  page = "";
  readonly #url: string;
  readonly #end = new AbortController();
  readonly #looking: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.#looking = this.#look();
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const { nodes } = await (await fetch(`${this.#url}/status.json`)).json();
      for (const { version, phase, target, errorCode } of nodes) {
        const error = errorCode ? ` ${errorCode}` : "";
        const now = `${version}: ${phase} ${target}${error}`.trim();
        if (this.seen.at(-1) !== now) this.seen.push(now);
      }
      this.page = await (await fetch(this.#url)).text();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

Deno.test("a node of a fleet takes a release, and the server's page shows it going there", async () => {
  await ensureInstalled(...demoNeeds(true));
  let watch: Watch | undefined;
  const report = await roundTrip({
    uefi: true,
    course: THERE,
    write: () => {},
    async serve(directory) {
      const server = await serveToFleet(directory);
      const watching = watch = new Watch(server.url);
      const end = async () => {
        await watching.end();
        await server[Symbol.asyncDispose]();
      };
      return { ...server, [Symbol.asyncDispose]: end };
    },
  });
  assertTrip(report);
  const { seen = [], page = "" } = watch ?? {};
  // a look may miss what passes quickly, never where it leads
  const wanted = ["1.0.0: offered 2.0.0", "1.0.0: downloading 2.0.0", "1.0.0: installed 2.0.0"];
  const found = seen.filter((line) => wanted.includes(line));
  assertEquals([...new Set(found)], wanted, seen.join("\n"));
  assert(seen.at(-1)?.startsWith("2.0.0: "), seen.join("\n"));
  assertStringIncludes(page, "2.0.0");
});
