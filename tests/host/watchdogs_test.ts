import { assert, assertEquals, assertMatch } from "@std/assert";
import { Watchdogs } from "../../mod/host/mod.ts";
import { until } from "../until.ts";

/** Long enough that only the first sign of life is given. */
const NEVER_SECONDS = 3600;

/** Watchdogs in a directory, and files in the place of devices. */
interface Kennel {
  readonly watchdogs: Watchdogs;
  readonly warnings: readonly string[];
  /** What the devices have taken, in the order of their names. */
  written(): Promise<string[]>;
}

/** Runs `body` with files of these names that keep what would be written to devices. */
async function withDevices(
  options: {
    names?: readonly string[];
    everySeconds?: number;
    limitSeconds?: number;
    prepare?: (directory: string) => Promise<void>;
  },
  body: (kennel: Kennel) => Promise<void>,
): Promise<void> {
  const { names = ["watchdog0"], everySeconds = NEVER_SECONDS, limitSeconds = NEVER_SECONDS } =
    options;
  const directory = await Deno.makeTempDir();
  try {
    for (const name of names) await Deno.writeTextFile(`${directory}/${name}`, "");
    await options.prepare?.(directory);
    const warnings: string[] = [];
    using watchdogs = await Watchdogs.open(directory, {
      everySeconds,
      limitSeconds,
      reporter: { report: (event) => event.kind === "warning" && warnings.push(event.message) },
    });
    await body({
      watchdogs,
      warnings,
      written: () => Promise.all(names.map((name) => Deno.readTextFile(`${directory}/${name}`))),
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Resolves when a feed every 10 ms would have been due five times. */
async function fiveFeeds(): Promise<void> {
  let turns = 0;
  const clock = setInterval(() => turns++, 10);
  await until(() => turns >= 5);
  clearInterval(clock);
}

Deno.test("every watchdog is fed at once, and again and again", () =>
  withDevices(
    { names: ["watchdog0", "watchdog12"], everySeconds: 0.01 },
    async ({ written }) => {
      assert((await written()).every((bytes) => bytes.startsWith("\0")));
      await until(async () => (await written()).every((bytes) => bytes.length >= 5));
      assert((await written()).every((bytes) => /^\0+$/.test(bytes)));
    },
  ));

Deno.test("disarm() writes the letter V last, once, and closes", () =>
  withDevices({ names: ["watchdog0", "watchdog1"] }, async ({ watchdogs, written, warnings }) => {
    watchdogs.disarm();
    assertEquals(await written(), ["\0V", "\0V"]);
    watchdogs.disarm();
    watchdogs[Symbol.dispose]();
    assertEquals(await written(), ["\0V", "\0V"]);
    assertEquals(warnings, []);
  }));

Deno.test("a watchdog that is closed without disarm() stays armed", () =>
  withDevices({}, async ({ watchdogs, written }) => {
    watchdogs[Symbol.dispose]();
    watchdogs.disarm();
    assertEquals(await written(), ["\0"]);
  }));

Deno.test("behind their limit watchdogs are fed no longer, and a late verdict still disarms them", () =>
  withDevices(
    { everySeconds: 0.01, limitSeconds: 0.1 },
    async ({ watchdogs, written, warnings }) => {
      await until(() => warnings.length > 0);
      assertEquals(warnings, ["watchdog: no verdict after 0.1 seconds: fed no longer"]);
      const [fed] = await written();
      await fiveFeeds();
      assertEquals(await written(), [fed]);
      watchdogs.disarm();
      assertEquals(await written(), [`${fed}V`]);
    },
  ));

Deno.test("the first watchdog's other name, and what is none, are left alone", () =>
  withDevices(
    { names: ["watchdog", "watchdog0", "watchdogs1", "null"] },
    async ({ written }) => assertEquals(await written(), ["", "\0", "", ""]),
  ));

Deno.test("that there is no watchdog is a warning", () =>
  withDevices({ names: [] }, ({ watchdogs, warnings }) => {
    watchdogs.disarm();
    assertEquals(warnings.length, 1);
    assertMatch(warnings[0], /^watchdog: none in \/.*/);
    return Promise.resolve();
  }));

Deno.test("a watchdog that another process has is a warning, and the others are fed", async () => {
  let holder: Deno.ChildProcess | undefined;
  try {
    await withDevices(
      {
        names: ["watchdog1"],
        // the kernel lets nobody write to a program that runs: it is busy
        prepare: async (directory) => {
          await Deno.copyFile("/bin/cat", `${directory}/watchdog0`);
          holder = new Deno.Command(`${directory}/watchdog0`, { stdin: "piped" }).spawn();
        },
      },
      async ({ watchdogs, written, warnings }) => {
        assertEquals(warnings.length, 1);
        assertMatch(warnings[0], /^watchdog: watchdog0 cannot be opened: .*busy/);
        watchdogs.disarm();
        assertEquals(await written(), ["\0V"]);
      },
    );
  } finally {
    await holder?.stdin.close();
    await holder?.status;
  }
});

Deno.test("a watchdog that takes no bytes is a warning, once, and the others are fed", () =>
  withDevices(
    {
      names: ["watchdog1"],
      everySeconds: 0.01,
      prepare: (directory) => Deno.symlink("/dev/full", `${directory}/watchdog0`),
    },
    async ({ written, warnings }) => {
      await until(async () => (await written())[0].length >= 5);
      assertEquals(warnings.length, 1);
      assertMatch(warnings[0], /^watchdog: watchdog0 cannot be written to: /);
    },
  ));
