import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Phase, UpdateError } from "../../mod/core/mod.ts";
import { EVENT_SECONDS, OmahaError, parseNotes } from "../../mod/omaha/mod.ts";
import { MemoryDisk } from "../fakes/memory_disk.ts";
import {
  APP,
  Fleet,
  FleetNode,
  manifestXml,
  NO_UPDATE,
  offerXml,
  packageXml,
  responseXml,
} from "./_fleet.ts";
import { begun, failure, goes, offering } from "./_told_update.ts";

Deno.test("each end of an update has its event and its number", async () => {
  const cases: readonly (readonly [phases: readonly Phase[], error: unknown, last: string])[] = [
    [["downloading", "staged"], undefined, "14/1"],
    [["downloading", "staged", "activated"], undefined, "800/1"],
    [["verifying", "success"], undefined, "3/2"],
    [["downloading", "failed"], failure("source"), "3/0 9"],
    [["downloading", "failed"], failure("verification"), "3/0 10"],
    [["downloading", "failed"], failure("slot"), "3/0 1"],
    [["staged", "failed"], failure("verification"), "3/0 1"],
    [["downloading", "failed"], new OmahaError(11, "verification", failure("slot")), "3/0 11"],
    [
      ["downloading", "failed"],
      failure("source", new OmahaError(2404, "source", failure("slot"))),
      "3/0 2404",
    ],
    [["activated", "rolled_back"], undefined, "3/0 44"],
    [["verifying", "failed", "rolled_back"], undefined, "3/0 44"],
    // what decides nothing, and what goes back to where it was
    [["verifying", "failed"], failure("unhealthy"), "13/1"],
    [["staged", "checking", "staged"], failure("source"), "13/1"],
    [["activated", "checking", "activated"], undefined, "13/1"],
    [["success", "checking", "success"], undefined, "13/1"],
  ];
  for (const [phases, error, last] of cases) {
    const { fleet, nebraska } = offering();
    await using _ = fleet;
    using node = await begun(fleet);
    await goes(node, phases, error);
    assertEquals(fleet.events.at(-1), last, phases.join());
    assertEquals([nebraska.ignored, node.reporter.warnings], [[], []]);
    const isOver = last.startsWith("3/");
    assertEquals(node.notes.update === undefined, isOver, "what is over is forgotten");
  }
});

Deno.test("an update of another source is none of the server's business", async () => {
  const { fleet } = offering();
  await using _ = fleet;
  using node = new FleetNode(fleet.url);
  await goes(node, ["downloading", "staged", "activated"]);
  await goes(node, ["verifying", "success"]);
  assertEquals(fleet.asked, []);
  using other = await begun(fleet);
  other.telling.report({ kind: "phase", from: "downloading", to: "staged", version: "3.0.0" });
  await other.telling.end();
  assertEquals(fleet.events, ["13/1"]);
});

Deno.test("a newer update that takes the place of a staged one has a session of its own", async () => {
  const { fleet } = offering();
  await using _ = fleet;
  using node = await begun(fleet);
  const sessions: unknown[] = [];
  for (const version of ["2.0.0", "2.0.0", "3.0.0"]) {
    using later = new FleetNode(fleet.url, { disk: node.disk });
    later.telling.report({ kind: "phase", from: "checking", to: "downloading", version });
    later.telling.report({ kind: "phase", from: "downloading", to: "staged", version });
    await later.telling.end();
    sessions.push(fleet.asked.at(-1)?.sessionid);
  }
  const [first, second, third] = sessions;
  assertEquals([second === first, third === first], [true, false]);
  const { update } = parseNotes(JSON.stringify(node.notes));
  assertEquals([update?.to, update?.grant], ["3.0.0", undefined], "nobody has offered that here");
});

Deno.test("a failure before anything was begun is told as well", async () => {
  await using fleet = new Fleet(NO_UPDATE);
  using node = new FleetNode(fleet.url);
  await goes(node, ["idle", "checking", "failed"], new OmahaError(34, "source", failure("slot")));
  assertEquals(fleet.events, ["3/0 34"]);
});

Deno.test("a rollback by hand is told with the version that runs", async () => {
  await using fleet = new Fleet(NO_UPDATE);
  using node = new FleetNode(fleet.url);
  await goes(node, ["success", "rolled_back"]);
  assertEquals(fleet.events, ["3/0 44"]);
  assertEquals(fleet.asked.at(-1)?.apps[0].version, "1.0.0");
});

Deno.test("a server that says nothing holds a command up for seconds, and only at its end", async () => {
  const gone = Promise.withResolvers<Response>();
  const began = performance.now();
  await using fleet = new Fleet((_, count) => count === 1 ? new Response(NO_UPDATE) : gone.promise);
  using node = new FleetNode(fleet.url);
  await node.latest();
  for (const to of ["downloading", "staged", "activated"] as const) {
    node.telling.report({ kind: "phase", from: "staged", to, version: "2.0.0" });
  }
  assert(performance.now() - began < 1000 * EVENT_SECONDS, "nobody waits while it goes on");
  await node.telling.end();
  gone.resolve(new Response(null, { status: 500 }));
  assertEquals(fleet.asked.length, 2, "after one that is not heard no more are tried");
  assertEquals(parseNotes(JSON.stringify(node.notes)).events.length, 3);
  const seconds = (performance.now() - began) / 1000;
  assert(seconds < 3 * EVENT_SECONDS, `${seconds} s`);
});

Deno.test("what could not be fetched is not tried again at once, unless somebody wants it", async () => {
  let action: Readonly<Record<string, string>> = {};
  const image = packageXml("root.img", new Uint8Array(5));
  await using fleet: Fleet = new Fleet(() => {
    const manifest = manifestXml("2.0.0", [image], action);
    return new Response(responseXml(offerXml(["http://x/"], [manifest])));
  });
  const disk = new MemoryDisk();
  const fails = async () => {
    using node = new FleetNode(fleet.url, { disk });
    await node.latest();
    await goes(node, ["checking", "downloading", "failed"], failure("source"));
    const { failures, until } = node.notes.backoff as { failures: number; until: string };
    return [failures, Math.round((Date.parse(until) - Date.now()) / 3_600_000)];
  };
  const offered = async (unattended: boolean) => {
    using node = new FleetNode(fleet.url, { disk, unattended });
    return (await node.latest())?.version;
  };
  assertEquals(await fails(), [1, 24]);
  assertEquals(await fails(), [2, 48]);
  for (let n = 3; n < 7; n++) await fails();
  assertEquals(await fails(), [7, 16 * 24]);
  const failures = async (before: readonly Phase[], error: UpdateError) => {
    using node = new FleetNode(fleet.url, { disk });
    if (before.includes("downloading")) await node.latest();
    await goes(node, [...before, "failed"], error);
    return (node.notes.backoff as { failures: number }).failures;
  };
  assertEquals(await failures(["idle", "checking"], failure("source")), 7, "nothing was fetched");
  const staged: readonly Phase[] = ["checking", "downloading", "staged"];
  const cut: readonly Phase[] = ["checking", "downloading", "checking"];
  assertEquals(await failures(staged, failure("slot")), 7, "it was");
  assertEquals(await failures(staged, failure("verification")), 7, "the slot is spoiled");
  assertEquals(await failures(cut, failure("source")), 7, "it was asked, and not for the package");
  using waiting = new FleetNode(fleet.url, { disk, unattended: true });
  assertStringIncludes(
    await waiting.withheld() ?? "",
    "could not be fetched 7 times: waiting until",
  );
  assertEquals(await offered(false), "2.0.0");
  for (const attribute of ["DisablePayloadBackoff", "deadline"]) {
    action = { [attribute]: attribute === "deadline" ? "now" : "true" };
    assertEquals(await offered(true), "2.0.0", attribute);
  }
});

Deno.test("a server that does not know the node has heard nothing", async () => {
  let known = false;
  await using fleet = new Fleet(() => {
    const status = "error-unknownApplicationOrGroup";
    return new Response(known ? NO_UPDATE : responseXml("", `appid="${APP}" status="${status}"`));
  });
  using node = new FleetNode(fleet.url);
  await goes(node, ["checking", "failed"], failure("source"));
  assertEquals(parseNotes(JSON.stringify(node.notes)).events.length, 1);
  assertStringIncludes(node.reporter.warnings.join(), "error-unknownApplicationOrGroup");
  known = true;
  using again = new FleetNode(fleet.url, { disk: node.disk });
  await again.latest();
  assertEquals(again.notes.events, []);
  const { length } = node.disk.steps;
  await again.latest();
  assertEquals(node.disk.steps.length, length, "where nothing is new nothing is written");
});
