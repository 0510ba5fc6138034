import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { CommandMounts, UNSEEN_TRIES } from "../../mod/slots/mod.ts";
import { run } from "../loop_disk.ts";
import { isUnmounted, start } from "./_mount_bench.ts";
import { namesIn } from "./slot_bench.ts";

Deno.test("mountedAt() names where the node has it mounted, and using() reads along there", async () => {
  await using bench = await start();
  const { partition, mounts, disk } = bench;
  assertEquals(await mounts.mountedAt(partition), []);
  for (const options of ["rw", "ro"]) {
    await disk.mounted("KSOLOB", async (path) => {
      assertEquals(await mounts.mountedAt(partition), [path]);
      if (options === "rw") await Deno.writeTextFile(`${path}/note`, "fresh");
      const read = (own: string) => Deno.readTextFile(`${own}/note`);
      assertEquals(await mounts.using(partition, "read", read), "fresh");
    }, options);
  }
  await isUnmounted(bench);
});

Deno.test("using() to write says where it is mounted read-only", async () => {
  await using bench = await start();
  const { partition, mounts, disk } = bench;
  await disk.mounted("KSOLOB", async (path) => {
    const error = await assertRejects(() => mounts.using(partition, "write", namesIn), UpdateError);
    assertStringIncludes(error.found, path);
    assertEquals(await disk.mountPoints(), [path]);
  }, "ro");
});

Deno.test("mountedAt() leaves out the agent's own mounts, and another disk's", async () => {
  await using bench = await start();
  await using other = await start();
  const { partition, mounts } = bench;
  await other.disk.mounted("KSOLOB", () =>
    mounts.using(partition, "read", async () => {
      assertEquals(await mounts.mountedAt(partition), []);
    }));
});

Deno.test("using() unmounts what a killed agent left, whatever it was mounted for", async () => {
  await using bench = await start();
  const { partition, mounts, directory, disk } = bench;
  const gone = `${directory}/999999999-dead`;
  for (const [left, access] of [["rw", "read"], ["ro", "write"], ["ro", "read"]] as const) {
    await Deno.mkdir(gone, { recursive: true });
    await run("mount", "-o", left, partition.device, gone);
    await mounts.using(partition, access, async () => {
      assertEquals((await disk.mountPoints()).includes(gone), false);
    });
    await isUnmounted(bench);
  }
});

Deno.test("using() waits for another agent that looks at the slot", async () => {
  await using bench = await start();
  const { partition, mounts } = bench;
  const { promise: isMounted, resolve: mounted } = Promise.withResolvers<void>();
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const reading = mounts.using(partition, "read", () => (mounted(), mayEnd));
  await isMounted;
  let isWritten = false;
  const writing = mounts.using(partition, "write", () => Promise.resolve(void (isWritten = true)));
  writing.catch(() => {}); // where it does not wait, the assertion below is to say so
  await new Promise((resolve) => setTimeout(resolve, 400));
  assertEquals(isWritten, false);
  end();
  await reading;
  await writing;
  assert(isWritten);
  await isUnmounted(bench);
});

Deno.test("using() tries again where another agent came and went between two looks", async () => {
  await using bench = await start();
  const { partition, disk, directory } = bench;
  const programs = `${disk.directory}/programs`;
  await Deno.mkdir(programs);
  // the first mounts find it busy; nobody is to be seen in the table
  const mount = (busy: number) =>
    Deno.writeTextFile(
      `${programs}/mount`,
      `#!/bin/sh\necho >>${programs}/calls
      [ $(wc -l <${programs}/calls) -gt ${busy} ] || { echo already mounted >&2; exit 32; }
      exec /usr/bin/mount "$@"\n`,
      { mode: 0o755 },
    );
  await Deno.symlink("/usr/bin/umount", `${programs}/umount`);
  const mounts = new CommandMounts({ view: disk.view, directory, programs: [programs] });

  await mount(UNSEEN_TRIES - 1);
  await mounts.using(partition, "write", (path) => Deno.writeTextFile(`${path}/note`, "kept"));
  await Deno.remove(`${programs}/calls`);
  await mount(UNSEEN_TRIES);
  await assertRejects(
    () => mounts.using(partition, "write", () => Promise.resolve()),
    UpdateError,
    "already mounted; check the device's write protection",
  );
  await isUnmounted(bench);
});

Deno.test("using() waits until a busy mount point can be unmounted", async () => {
  await using bench = await start();
  const { partition, mounts } = bench;
  let user: Deno.ChildProcess | undefined;
  await mounts.using(partition, "read", (cwd) => {
    user = new Deno.Command("sleep", { args: ["0.7"], cwd }).spawn();
    return Promise.resolve();
  });
  await user?.status;
  await isUnmounted(bench);
});
