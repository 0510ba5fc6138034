import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { MAX_EVENTS, OmahaError, parseNotes } from "../../mod/omaha/mod.ts";
import { MemoryDisk } from "../fakes/memory_disk.ts";
import { closedPort } from "../http/_servers.ts";
import { Fleet, FleetNode, NO_UPDATE, NOTES } from "./_fleet.ts";
import { begun, failure, goes, offering } from "./_told_update.ts";

Deno.test("what a server does not hear is kept over boots, and told once", async () => {
  const { fleet, nebraska } = offering();
  await using _ = fleet;
  using node = await begun(fleet);
  using deaf = new FleetNode(`http://127.0.0.1:${closedPort()}`, { disk: node.disk });
  await goes(deaf, ["downloading", "staged", "activated"]);
  const { events } = parseNotes(JSON.stringify(deaf.notes));
  assertEquals(events.map(({ eventtype }) => eventtype), [14, 800]);
  assertStringIncludes(deaf.reporter.warnings[0], "will with the next request");
  using after = new FleetNode(fleet.url, { disk: node.disk });
  await goes(after, ["verifying", "success"]);
  assertEquals(nebraska.history.slice(1), [
    "1.0.0 Downloading",
    "2.0.0 Downloaded",
    "2.0.0 Installed",
    "2.0.0 Complete",
  ]);
  assertEquals(after.notes.events, []);
});

Deno.test("of a long night's failures one of a kind is kept, and never more than a few", async () => {
  const disk = new MemoryDisk();
  const server = `http://127.0.0.1:${closedPort()}`;
  const fail = async (error: unknown) => {
    using node = new FleetNode(server, { disk });
    await goes(node, ["checking", "failed"], error);
    return parseNotes(JSON.stringify(node.notes)).events;
  };
  await fail(failure("source"));
  assertEquals((await fail(failure("source"))).length, 1);
  for (let n = 0; n < MAX_EVENTS + 3; n++) {
    await fail(new OmahaError(3000 + n, "source", failure("slot")));
  }
  const events = await fail(failure("slot"));
  assertEquals([events.length, events.at(-1)?.errorcode], [MAX_EVENTS, 1]);
});

Deno.test("notes that are garbled are begun anew, and a disk that is full stops nothing", async () => {
  const garbled = [
    "",
    "null",
    "{}",
    '{"machine_id":"x","events":[]}',
    JSON.stringify({ machine_id: "0".repeat(32), events: [{ eventtype: "13" }] }),
    JSON.stringify({ machine_id: "0".repeat(32), events: [], update: { session: 1 } }),
    JSON.stringify({ machine_id: "0".repeat(32), events: [], ask_after: "soon" }),
    " ".repeat(600_000),
  ];
  for (const text of garbled) {
    const { fleet } = offering();
    await using _ = fleet;
    const disk = new MemoryDisk();
    disk.put(NOTES, text);
    using node = new FleetNode(fleet.url, { disk });
    assertEquals((await node.latest())?.version, "2.0.0");
    assertStringIncludes(node.reporter.warnings[0], "cannot be used");
    parseNotes(JSON.stringify(node.notes));
  }
  const disk = new MemoryDisk();
  disk.cutAt({ step: 0, torn: false });
  await using other = new Fleet(NO_UPDATE);
  using node = new FleetNode(other.url, { disk });
  assertEquals(await node.latest(), undefined);
  await goes(node, ["idle", "checking", "failed"], failure("source"));
  assertEquals(other.events, ["3/0 9"]);
  assertStringIncludes(node.reporter.warnings[0], "cannot be written");
});

Deno.test("a server that waits for an update nobody knows of is set free", async () => {
  const { fleet, nebraska } = offering();
  await using _ = fleet;
  using node = await begun(fleet);
  const { machine_id } = node.notes;
  const disk = new MemoryDisk();
  disk.put(NOTES, JSON.stringify({ machine_id, events: [] }));
  using forgetful = new FleetNode(fleet.url, { disk });
  assertEquals((await forgetful.latest())?.version, "2.0.0");
  assertEquals(nebraska.history, [
    "1.0.0 UpdateGranted",
    "1.0.0 Downloading",
    "1.0.0 Error 2",
    "1.0.0 UpdateGranted",
  ]);
});

Deno.test("a clock that was once far ahead holds nothing up for ever", async () => {
  const { fleet } = offering();
  await using _ = fleet;
  const payload = createHash("sha1").update(new Uint8Array(5)).digest("hex");
  const offered = async (until: string) => {
    const disk = new MemoryDisk();
    const backoff = { payload, failures: 1, until };
    const notes = { machine_id: "0".repeat(32), events: [], ask_after: until, backoff };
    disk.put(NOTES, JSON.stringify(notes));
    using node = new FleetNode(fleet.url, { disk, unattended: true });
    const withheld = await node.withheld();
    return withheld === undefined ? (await node.latest())?.version : "withheld";
  };
  const hours = (count: number) => new Date(Date.now() + count * 3_600_000).toISOString();
  assertEquals(await offered(hours(1)), "withheld");
  assertEquals(await offered(hours(-1)), "2.0.0");
  assertEquals(await offered("2099-01-01T00:00:00Z"), "2.0.0");
});
