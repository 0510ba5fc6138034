import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { CHECKS, runCheck } from "../tasks/ok.ts";
import { runText } from "../tasks/run.ts";
import { treeEntries } from "../tasks/tree.ts";

const ROOT = new URL("../", import.meta.url);

for (const name of Object.keys(CHECKS)) {
  Deno.test(`the house is in order: ${name}`, () => runCheck(name));
}

Deno.test("the house is in order: shell", async () => {
  const root = fromFileUrl(ROOT);
  const scripts: string[] = [];
  for (const directory of [".ci", "deploy"]) {
    for (const entry of await treeEntries(`${root}/${directory}`)) {
      const text = entry.kind === "file" ? new TextDecoder().decode(entry.bytes) : "";
      if (/^#!.*(?:sh|openrc-run)\n/.test(text)) scripts.push(`${directory}/${entry.path}`);
    }
  }
  assert(scripts.length >= 7, scripts.join(" "));
  await runText("shellcheck", scripts, { cwd: root });
});

Deno.test("the gate runs the README's own test command", async () => {
  const command = "DENO_TLS_CA_STORE=system,mozilla npx -y deno@2.7.11 task test";
  const gate = await Deno.readTextFile(new URL(".ci/run", ROOT));
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  assert(gate.split("\n").includes(command), gate);
  assert(readme.includes(command));
});

Deno.test("every dependency is pinned to one version", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  for (const target of Object.values(imports as Record<string, string>)) {
    if (target.startsWith("./")) continue;
    assertEquals(
      /^npm:\/?(?:@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+(?:\/.*)?$/.test(target),
      true,
      target,
    );
  }
});
