import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { compileAgent } from "../../tasks/compile.ts";
import { cacheDirectory } from "../../tasks/lock.ts";
import { run, runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { inScratch } from "../in_scratch.ts";
import { deno } from "./_process.ts";

const { version }: { version: string } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));

Deno.test("compileAgent() makes a program that starts, and nothing the second time", async () => {
  const agent = await compileAgent(Deno.build.arch);
  assertStringIncludes(await runText(agent, ["--version"], { cwd: "/" }), version);
  const before = await Deno.stat(agent);
  assertEquals(await compileAgent(Deno.build.arch), agent);
  assertEquals((await Deno.stat(agent)).mtime, before.mtime);
});

Deno.test("two tasks that want the agent at once compile it once, and say when that was", async () => {
  await inScratch(async (scratch) => {
    const output = `${scratch}/out`;
    const environment = {
      XDG_CACHE_HOME: dirname(cacheDirectory()), // the runtime may be there
      SOURCE_DATE_EPOCH: "1893456000",
    };
    const args = ["run", "-A", "tasks/compile.ts", "--output", output];
    const task = () => deno(scratch, args, environment);
    const ended = await Promise.all([task(), task()]);
    const said = ended.map(({ stderr }) => stderr).join("");
    assertEquals(ended.map(({ success }) => success), [true, true], said);
    assertEquals(said.match(/^compiling /gm)?.length, 1, said);
    assertStringIncludes(said, "(runtime: ");
    const agent = `${output}/kubesolo-update-${Deno.build.arch}`;
    await run("grep", ["-q", "-a", "-F", '{"epoch":1893456000}', agent]);
  });
});

Deno.test("the agent holds the packages that it imports, and none that only tests import", async () => {
  const agent = await compileAgent(Deno.build.arch);
  const embedded = (name: string) =>
    run("grep", ["-c", "-a", "-F", `"n":"${name}"`, agent]).then(() => true, () => false);
  assertEquals([await embedded("semver"), await embedded("fast-check")], [true, false]);
});

Deno.test("the compile task names the targets that there are", async () => {
  await inScratch(async (scratch) => {
    const args = ["run", "-A", "tasks/compile.ts", "--target", "riscv64"];
    const { success, stderr } = await deno(scratch, args);
    assertEquals(success, false);
    assertStringIncludes(stderr, '--target: wanted x86_64, aarch64 or all, found "riscv64"');
  });
});
