import { assert, assertEquals, assertRejects } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { reboot } from "../../mod/host/mod.ts";

Deno.test("reboot() runs the first program that is there", async () => {
  await reboot(["/no/such/reboot", "/bin/true"]);
});

Deno.test("a reboot that fails, or cannot be asked for, says so", async () => {
  for (const programs of [["/bin/false"], ["/no/such/reboot", "/nor/this"]]) {
    const error = await assertRejects(
      () => reboot(programs, "/no/such/requests"),
      UpdateError,
      programs[0],
    );
    assertEquals(error.code, "slot");
    assert(error.message.includes("reboot the node by hand"), error.message);
  }
});

Deno.test("reboot() reports what the program complained of, and gives it no environment", async () => {
  const directory = await Deno.makeTempDir();
  const program = `${directory}/reboot`;
  await Deno.writeTextFile(program, '#!/bin/sh\necho "no: $HOME$LD_PRELOAD." >&2\nexit 1\n');
  await Deno.chmod(program, 0o755);
  await assertRejects(() => reboot([program]), UpdateError, `${program}: no: .`);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("reboot() leaves a request where there is no program, and only there", async () => {
  const requests = await Deno.makeTempDir();
  const left = () => Array.fromAsync(Deno.readDir(requests), ({ name }) => name);
  await reboot(["/bin/true"], requests);
  await assertRejects(() => reboot(["/bin/false"], requests), UpdateError);
  assertEquals(await left(), []);
  await reboot(["/no/such/reboot"], requests);
  assertEquals(await left(), ["reboot"]);
  await Deno.remove(requests, { recursive: true });
});
