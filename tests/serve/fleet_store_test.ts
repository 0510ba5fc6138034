import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import {
  DigestBook,
  Fleet,
  type FleetNode,
  MAX_NODE_DAYS,
  MAX_NODE_TEXT,
  MAX_NODES,
  openStore,
} from "../../mod/serve/mod.ts";

const WISH = { version: "1.0.0", channel: "stable", architecture: "x86_64", prefix: "" };
const CALLER = { address: "192.168.1.5", agent: "test" };

function sees(fleet: Fleet, machineid: string): FleetNode {
  return fleet.seen({ machineid, version: "1.0.0", events: [] }, WISH, CALLER);
}

async function withFile(body: (path: string) => void | Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(`${directory}/nodes.sqlite`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function open(path: string) {
  const { store, problem } = openStore(path);
  assertEquals(problem, undefined);
  assert(store);
  return store;
}

Deno.test("nodes and digests outlive a restart", () =>
  withFile((path) => {
    const fleet = new Fleet();
    sees(fleet, "m1");
    sees(fleet, "m2");
    fleet.offered("m1", "2.0.0");
    fleet.happened("m1", { eventtype: 3, eventresult: 0, errorcode: 44 }, "1.0.0");
    fleet.asked({ address: "10.0.0.1", agent: "kubesolo-update" }, "stable");
    const digests = { sha1: "a", sha256: "b" };
    {
      using store = open(path);
      store.save(fleet);
      store.keepDigests("/file", "1-2", digests);
    }
    using store = open(path);
    const again = new Fleet(store.nodes());
    const byId = (one: Fleet) => [...one.nodes].sort((a, b) => a.id < b.id ? -1 : 1);
    assertEquals(byId(again), byId(fleet));
    assertEquals(again.get("m1")?.phase, "rolled back");
    assertEquals({ ...store.digestsOf("/file", "1-2") }, digests);
    assertEquals(store.digestsOf("/file", "1-3"), undefined);
    assertEquals(store.digestsOf("/other", "1-2"), undefined);
  }));

Deno.test("what is no database is set aside, and a new one is begun", () =>
  withFile(async (path) => {
    const garbage: readonly (string | Uint8Array)[] = [
      "not a database at all, and longer than its header is".repeat(10),
      "SQLite format 3\0" + "x".repeat(5000),
    ];
    for (const bytes of garbage) {
      await Deno.writeFile(path, new TextEncoder().encode(bytes as string));
      const { store, problem } = openStore(path);
      assertMatch(problem ?? "", /nodes\.sqlite: .*; it is .*nodes\.sqlite\.broken now/);
      const fleet = new Fleet(store?.nodes());
      sees(fleet, "m1");
      store?.save(fleet);
      assertEquals(store?.nodes().length, 1);
      store?.[Symbol.dispose]();
      assertEquals(await Deno.readTextFile(`${path}.broken`), bytes);
      await Deno.remove(path);
    }
  }));

Deno.test("a page in the middle that is no good is found at the start", () =>
  withFile(async (path) => {
    const fleet = new Fleet();
    for (let i = 0; i < 500; i++) sees(fleet, `machine-${i}`);
    {
      using store = open(path);
      store.save(fleet);
    }
    const bytes = await Deno.readFile(path);
    bytes.fill(0xff, 3 * 4096, 4 * 4096);
    await Deno.writeFile(path, bytes);
    const { store, problem } = openStore(path);
    assertMatch(problem ?? "", /begun anew/);
    assertEquals(store?.nodes(), []);
    store?.[Symbol.dispose]();
  }));

Deno.test("where nothing can be written there is no store, and a reason", async () => {
  const { store, problem } = openStore("/proc/none/nodes.sqlite");
  assertEquals(store, undefined);
  assertMatch(
    problem ?? "",
    /^\/proc\/none\/nodes\.sqlite: .*nodes are forgotten when this program ends$/,
  );
  await Promise.resolve();
});

Deno.test("a database that another program writes to is left alone", () =>
  withFile(async (path) => {
    using store = open(path);
    store.save(new Fleet());
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const { store: none, problem } = openStore(path);
    assertEquals(none, undefined);
    assertMatch(problem ?? "", /database is locked; nodes are forgotten/);
    assertEquals(await Deno.stat(`${path}.broken`).catch(() => undefined), undefined);
    other.exec("ROLLBACK");
    open(path)[Symbol.dispose]();
  }));

Deno.test("what could not be written is written the next time, all of it", () =>
  withFile((path) => {
    const fleet = new Fleet();
    sees(fleet, "m1");
    let failed = false;
    try {
      fleet.saveTo(() => {
        throw new Error("full");
      });
    } catch {
      failed = true;
    }
    assert(failed);
    sees(fleet, "m2");
    using store = open(path);
    store.save(fleet);
    assertEquals(store.nodes().map(({ id }) => id).sort(), ["m1", "m2"]);
  }));

Deno.test("a file whose digests were given up is neither known nor broken", () =>
  withFile(async (path) => {
    await Deno.writeFile(path, new Uint8Array(5));
    await Deno.utime(path, 1, 1);
    const book = new DigestBook();
    const found = { path, info: await Deno.stat(path) };
    const asked = () => book.of(found, "it");
    assertThrows(asked, Error, "it is being checked");
    await book.work(1000, AbortSignal.abort());
    assertThrows(asked, Error, "it is being checked");
    await book.work(1000);
    assertEquals(asked().sha1, createHash("sha1").update(new Uint8Array(5)).digest("base64"));
  }));

Deno.test("a file that could not be read is read again after a while", () =>
  withFile(async (path) => {
    await Deno.writeFile(path, new Uint8Array(5));
    const asked = async (book: DigestBook) => {
      const found = { path, info: await Deno.stat(path) };
      return book.of(found, "it").sha1;
    };
    const open = Deno.open;
    for (const [againMs, says] of [[0, "it is being checked"], [60_000, "os error 24"]] as const) {
      const book = new DigestBook(undefined, againMs);
      await assertRejects(() => asked(book), Error, "it is being checked");
      Deno.open = () => Promise.reject(new Error("Too many open files (os error 24)"));
      try {
        await book.work(1000);
      } finally {
        Deno.open = open;
      }
      await assertRejects(() => asked(book), Error, says);
      await book.work(1000);
      if (againMs > 0) continue;
      const sha1 = createHash("sha1").update(new Uint8Array(5)).digest("base64");
      assertEquals(await asked(book), sha1);
    }
  }));

Deno.test("nodes are bounded in number, age and length", () => {
  const fleet = new Fleet();
  const first = sees(fleet, "first");
  for (let i = 0; i < MAX_NODES + 10; i++) sees(fleet, `machine-${i}`);
  assertEquals([fleet.size, fleet.get("first")], [MAX_NODES, undefined]);
  const long = fleet.seen(
    {
      machineid: "m".repeat(1000),
      machinealias: "a\n\x1b[31mb",
      version: "v".repeat(70_000),
      events: [],
    },
    WISH,
    CALLER,
  );
  assertEquals([long.id.length, long.version.length], [MAX_NODE_TEXT, MAX_NODE_TEXT]);
  assertEquals(long.alias, "a [31mb");
  const day = 24 * 60 * 60 * 1000;
  const old = { ...first, id: "old", lastSeen: Date.now() - (MAX_NODE_DAYS + 1) * day };
  const young = { ...first, id: "young", lastSeen: Date.now() - (MAX_NODE_DAYS - 1) * day };
  const kept = new Fleet([young, old]);
  assertEquals([...kept.nodes].map(({ id }) => id), ["young"]);
  let gone: string[] = [];
  kept.saveTo((ids) => gone = [...ids]);
  assertEquals(gone, ["old"], "not in the database any more either");
});
