import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileOf, install, missingPackages, withoutServices } from "../../tasks/debian.ts";
import { run, runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { inScratch } from "../in_scratch.ts";
import { deno, type Ended } from "./_process.ts";

Deno.test("missingPackages() names a package once, and none that is here", () => {
  assertEquals(
    missingPackages([
      "tar",
      fileOf("one", "/nowhere/a"),
      fileOf("one", "/nowhere/b"),
      fileOf("another", "/nowhere/c"),
      fileOf("there", "/etc/passwd"),
    ]),
    ["another", "one"],
  );
});

Deno.test("install() without root names the one line to run", async () => {
  const error = await assertRejects(() => install(["gdisk", "mtools"], false));
  assertStringIncludes(
    error.message,
    "sudo apt-get install --no-install-recommends gdisk mtools",
  );
});

/** Runs ensureInstalled() in a process whose apt-get is `script`. */
async function withApt(scratch: string, script: string, wanted: string): Promise<Ended> {
  await Deno.writeTextFile(`${scratch}/apt-get`, script, { mode: 0o755 });
  const code = `
    import { ensureInstalled, fileOf } from "${ROOT}/tasks/debian.ts";
    import { main } from "${ROOT}/tasks/screen.ts";
    await main(() => ensureInstalled(fileOf("wanted-package", ${JSON.stringify(wanted)})));`;
  return await deno(scratch, ["eval", "--no-check", code], { DEBIAN_FRONTEND: "dialog" });
}

Deno.test({
  name: "ensureInstalled() as root installs what is missing, and says so in one line",
  ignore: Deno.uid() !== 0, // only root installs
  fn: () =>
    inScratch(async (scratch) => {
      const file = `${scratch}/brought`;
      const script = `#!/bin/sh
        echo noise; echo noise >&2
        case "$DEBIAN_FRONTEND $*" in
          "noninteractive"*" install --no-install-recommends wanted-package") echo "$*" >${file} ;;
        esac`;
      const { success, stderr } = await withApt(scratch, script, file);
      assertEquals([success, stderr], [true, "installing wanted-package (apt-get)\n"]);
      assertStringIncludes(await Deno.readTextFile(file), "-y");
    }),
});

Deno.test({
  name: "ensureInstalled() shows what apt-get said when it fails",
  ignore: Deno.uid() !== 0, // only root installs
  fn: () =>
    inScratch(async (scratch) => {
      const script = "#!/bin/sh\necho no such package >&2; exit 100";
      const { success, stderr } = await withApt(scratch, script, "/nowhere");
      assertEquals(success, false);
      assertStringIncludes(stderr, "cannot install wanted-package");
      assertStringIncludes(stderr, "no such package");
    }),
});

Deno.test("packages start no services while they are installed, and a policy that is there stays", () =>
  inScratch(async (scratch) => {
    const policy = `${scratch}/policy-rc.d`;
    const ask = async () => (await new Deno.Command(policy).output()).code;
    let script = "";
    await withoutServices(async () => {
      assertEquals(await ask(), 101);
      script = await Deno.readTextFile(policy);
    }, policy);
    assertEquals([...Deno.readDirSync(scratch)].length, 0);

    const ended = new Deno.Command("true").spawn();
    await ended.status;
    await Deno.writeTextFile(policy, script.replace(String(Deno.pid), String(ended.pid)), {
      mode: 0o755,
    });
    assertEquals(await ask(), 0, "what a killed task left forbids nothing");
    await withoutServices(async () => assertEquals(await ask(), 0), policy);
    assertEquals([...Deno.readDirSync(scratch)].length, 1);
  }));

Deno.test("run() says which program failed, how, and with what words", async () => {
  const error = await assertRejects(() => run("sh", ["-c", "echo broken >&2; exit 3"]));
  assertEquals(error.message, "sh -c echo broken >&2; exit 3: ended with 3\nbroken");
  await assertRejects(() => run("no-such-program", []), Error, "no such program");
});

Deno.test("run() takes away variables that it is told to", async () => {
  const text = await runText("env", [], { env: { HOME: undefined, EXTRA: "1" } });
  assertEquals([/^HOME=/m.test(text), /^EXTRA=1$/m.test(text)], [false, true]);
});
