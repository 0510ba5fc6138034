import { assert, assertEquals, assertRejects } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { MAX_LOCK_BYTES, UpdateLock } from "../../mod/host/mod.ts";
import { ROOT } from "../../tasks/sources.ts";
import { inScratch } from "../in_scratch.ts";

async function refusal(directory: string): Promise<UpdateError> {
  return await assertRejects(() => new UpdateLock(directory).acquire("activate"), UpdateError);
}

Deno.test("the second agent is told who the first is, since when, and what to do", () =>
  inScratch(async (directory) => {
    using _lock = await new UpdateLock(`${directory}/new/one`).acquire("apply");
    const error = await refusal(`${directory}/new/one`);
    assertEquals(error.code, "refused");
    assert(error.message.includes(`process ${Deno.pid}, apply,`), error.message);
    assert(/since \d{4}-\d\d-\d\dT/.test(error.message), error.message);
    assert(error.message.includes(`kill ${Deno.pid}`), error.message);
  }));

Deno.test("a lock that was released can be taken again", () =>
  inScratch(async (directory) => {
    for (const command of ["apply", "activate"]) {
      using _lock = await new UpdateLock(directory).acquire(command);
      assert((await Deno.readTextFile(`${directory}/lock`)).includes(command));
    }
    assertEquals(await Deno.readTextFile(`${directory}/lock`), "");
  }));

Deno.test("who only asks for the holder takes no lock, and makes no file", () =>
  inScratch(async (directory) => {
    const lock = new UpdateLock(`${directory}/update`);
    assertEquals(await lock.holder(), undefined);
    assertEquals([...Deno.readDirSync(directory)], []);
    {
      using _lock = await lock.acquire("apply");
      const holder = await lock.holder();
      assert(holder?.startsWith(`process ${Deno.pid}, apply,`), holder);
    }
    assertEquals([await lock.holder(), await lock.holder()], [undefined, undefined]);
    using _lock = await lock.acquire("apply");
  }));

Deno.test("who only reads shares the lock with others who do, and with no agent that works", () =>
  inScratch(async (directory) => {
    const lock = new UpdateLock(`${directory}/update`);
    assertEquals(await lock.share(), undefined);
    assertEquals([...Deno.readDirSync(directory)], [], "none was made");
    {
      using _lock = await lock.acquire("apply");
      const error = await assertRejects(() => lock.share(), UpdateError);
      assertEquals(error.code, "refused");
      assert(error.found.startsWith(`process ${Deno.pid}, apply,`), error.found);
    }
    // of an agent that was killed
    await Deno.writeTextFile(`${directory}/update/lock`, '{"pid":1,"command":"apply"}');
    {
      using _lock = await lock.share();
      using _another = await lock.share();
      assertEquals(await lock.holder(), undefined);
      const error = await refusal(`${directory}/update`);
      assertEquals(error.code, "refused");
      assert(error.found.includes("is reading the slots"), error.found);
    }
    using _lock = await lock.acquire("apply");
  }));

Deno.test("a lock file that was left behind locks nothing", () =>
  inScratch(async (directory) => {
    await Deno.writeTextFile(`${directory}/lock`, '{"pid":1,"command":"apply","since":"2026"}');
    using _lock = await new UpdateLock(directory).acquire("apply");
    const { pid } = JSON.parse(await Deno.readTextFile(`${directory}/lock`));
    assertEquals(pid, Deno.pid);
  }));

Deno.test("the lock of a process that was killed is free", () =>
  inScratch(async (directory) => {
    const room = new URL("../../mod/host/mod.ts", import.meta.url).href;
    const script = `import { UpdateLock } from ${JSON.stringify(room)};
      await new UpdateLock(${JSON.stringify(directory)}).acquire("apply");
      console.log("held");
      setInterval(() => {}, 1000);`;
    await Deno.writeTextFile(`${directory}/holder.ts`, script);
    const config = `${ROOT}/deno.json`;
    const holder = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", "--config", config, `${directory}/holder.ts`],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    const error = await refusal(directory);
    assert(error.message.includes(`process ${holder.pid}, apply,`), error.message);
    holder.kill("SIGKILL");
    await holder.status;
    await reader.cancel();
    using _lock = await new UpdateLock(directory).acquire("activate");
  }));

Deno.test("what a held lock says of its holder is shown, never trusted", () =>
  inScratch(async (directory) => {
    using holder = await Deno.open(`${directory}/lock`, { create: true, write: true });
    await holder.lock(true);
    const contents = [
      "",
      "garbled",
      "[]",
      "null",
      '{"pid":"1; rm -rf /"}',
      '{"pid":1.5}',
      "x".repeat(MAX_LOCK_BYTES * 2),
      "\x00\xff",
    ];
    for (const content of contents) {
      await Deno.writeTextFile(`${directory}/lock`, content);
      const error = await refusal(directory);
      assertEquals(error.code, "refused");
      assert(error.message.includes("another process holds it"), error.message);
    }
    const hostile = { pid: 7, command: `\x1b[2J${"x".repeat(900)}`, since: 5 };
    await Deno.writeTextFile(`${directory}/lock`, JSON.stringify(hostile));
    const { message } = await refusal(directory);
    assert(message.includes("process 7, ?[2Jxxx") && message.length < 300, message);
  }));

Deno.test("a lock where no file can be made is an error of the disk, not a refusal", () =>
  inScratch(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    const error = await refusal(`${directory}/file`);
    assertEquals(error.code, "slot");
    assert(error.message.includes(`${directory}/file/lock`), error.message);
  }));
