import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { HealthCheck } from "../../mod/core/mod.ts";
import { scriptChecks } from "../../mod/host/mod.ts";
import { ROOT } from "../../tasks/sources.ts";
import { until } from "../until.ts";

/** A directory of scripts; each is a path below it and the script's text. */
async function withScripts(
  scripts: Readonly<Record<string, string>>,
  body: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "health.d-" });
  try {
    for (const kind of ["required.d", "wanted.d"]) await Deno.mkdir(`${directory}/${kind}`);
    for (const [name, text] of Object.entries(scripts)) {
      await Deno.writeTextFile(`${directory}/${name}`, text, { mode: 0o755 });
    }
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function run(check: HealthCheck, seconds = 60): Promise<void> {
  const abort = new AbortController();
  const late = setTimeout(
    () => abort.abort(new Error(`no answer within ${seconds} s`)),
    seconds * 1000,
  );
  return check.run(abort.signal).finally(() => clearTimeout(late));
}

/** Why the one script of a directory says no. */
async function no(directory: string, seconds?: number): Promise<string> {
  const { checks: [check] } = await scriptChecks(directory);
  return (await assertRejects(() => run(check, seconds), Error)).message;
}

Deno.test("scripts are found in the order of their names, and what is none is named", () =>
  withScripts({
    "required.d/20-disk": "#!/bin/sh\nexit 0\n",
    "required.d/10-network": "#!/bin/sh\nexit 0\n",
    "required.d/30 odd \u001b[31mname": "#!/bin/sh\nexit 0\n",
    "wanted.d/05-nice": "#!/bin/sh\nexit 1\n",
    "required.d/README": "not a script",
  }, async (directory) => {
    const at = (name: string) => `${directory}/required.d/${name}`;
    await Deno.chmod(at("README"), 0o644);
    await Deno.mkdir(at("directory.d"));
    await Deno.symlink("../gone", at("dangling"));
    await Deno.symlink("10-network", at("link"));
    const { checks, warnings } = await scriptChecks(directory);
    assertEquals(checks.map(({ name, wanted }) => [name, wanted]), [
      ["required.d/10-network", false],
      ["required.d/20-disk", false],
      ["required.d/30 odd [31mname", false],
      ["required.d/link", false],
      ["wanted.d/05-nice", true],
    ]);
    assertEquals(warnings, [
      `${at("README")} is no health check: not executable`,
      `${at("dangling")} is no health check: a link that leads nowhere`,
      `${at("directory.d")} is no health check: not a regular file`,
    ]);
    for (const check of checks.slice(0, 4)) await run(check);
    await assertRejects(() => run(checks[4]), Error, "exit status 1");
    assertEquals(await scriptChecks(`${directory}/absent`), { checks: [], warnings: [] });
  }));

Deno.test("a script finds a PATH and little else, and its last lines are the reason", () =>
  withScripts({
    "required.d/x":
      "#!/bin/sh\nenv | sort\npwd\necho one\necho two >&2\necho three\nprintf '\\033[31mfour'\nexit 3\n",
  }, async (directory) => {
    const { checks: [check] } = await scriptChecks(directory, { KUBECONFIG: "/k" });
    const { message } = await assertRejects(() => run(check), Error);
    assertStringIncludes(message, "exit status 3: ");
    for (const line of ["one", "two", "three", "[31mfour"]) assertStringIncludes(message, line);
    assertEquals(message.includes("\u001b"), false);

    await Deno.writeTextFile(`${directory}/required.d/x`, "#!/bin/sh\nenv | sort\nexit 1\n");
    const { message: environment } = await assertRejects(() => run(check), Error);
    assertEquals(
      environment,
      "exit status 1: KUBECONFIG=/k | LC_ALL=C | PATH=/usr/sbin:/usr/bin:/sbin:/bin | PWD=/",
    );
  }));

Deno.test("megabytes of output are read and dropped, and memory stays flat", () =>
  withScripts({
    "required.d/x":
      "#!/bin/sh\nhead -c 400000000 /dev/zero | tr '\\0' 'x'\necho\necho last\nexit 1\n",
  }, async (directory) => {
    // a process of its own: what other tests take meanwhile is not to be counted
    const code = `
      import { scriptChecks } from ${JSON.stringify(import.meta.resolve("../../mod/host/mod.ts"))};
      const before = Deno.memoryUsage().rss;
      const { checks: [check] } = await scriptChecks(${JSON.stringify(directory)});
      const reason = await check.run(AbortSignal.timeout(600_000)).catch(({ message }) => message);
      console.log(JSON.stringify({ reason, grown: Deno.memoryUsage().rss - before }));`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", code],
      cwd: ROOT,
    }).output();
    const { reason, grown } = JSON.parse(new TextDecoder().decode(stdout));
    assertStringIncludes(reason, "| last");
    assert(grown < 200 << 20, `${grown} bytes more`);
  }));

Deno.test("a script that hangs is killed with all its children, and what it said is kept", () =>
  withScripts({
    "required.d/x": `#!/bin/sh
echo waiting for the modem
trap '' TERM
sleep 1000 &
echo $! >"$0.child"
(sleep 1001; echo never) &
sleep 1002
`,
  }, async (directory) => {
    const began = performance.now();
    const said = await no(directory, 1);
    assert(performance.now() - began < 30_000);
    assertEquals(said, "no answer within 1 s, killed by SIGKILL: waiting for the modem");
    const child = (await Deno.readTextFile(`${directory}/required.d/x.child`)).trim();
    await until(async () => !await isAlive(child));
  }));

Deno.test("a child that holds the output of a script that has ended holds nothing up", () =>
  withScripts({
    "required.d/x": '#!/bin/sh\nsleep 1000 &\necho $! >"$0.child"\necho fine\nexit 0\n',
    "wanted.d/escapes": "#!/bin/sh\nsetsid sleep 60 &\necho gone\nexit 4\n",
  }, async (directory) => {
    const { checks } = await scriptChecks(directory);
    const began = performance.now();
    await run(checks[0]);
    const child = (await Deno.readTextFile(`${directory}/required.d/x.child`)).trim();
    await until(async () => !await isAlive(child));
    await assertRejects(() => run(checks[1]), Error, "exit status 4: gone");
    assert(performance.now() - began < 45_000, "nobody waited for the one that got away");
  }));

Deno.test("a script that cannot be started says why", () =>
  withScripts({ "required.d/x": "#!/no/such/interpreter\n" }, async (directory) => {
    assertStringIncludes(await no(directory), "No such file or directory");
    await Deno.writeTextFile(`${directory}/required.d/x`, "#!/bin/sh\nkill -SEGV $$\n");
    assertEquals(await no(directory), "killed by SIGSEGV");
  }));

/** Whether a process is there, and no zombie. */
async function isAlive(pid: string): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}
