import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "yaml";
import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

/** What takes the pictures that tests leave. */
const PICTURES = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02";

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<string, { readonly "timeout-minutes": number; readonly steps: readonly Step[] }>
  >;
}

async function workflows(forge: string): Promise<Map<string, string>> {
  const directory = `${ROOT}/.${forge}/workflows`;
  const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
  const texts = names.sort().map(async (name) =>
    [name, await Deno.readTextFile(`${directory}/${name}`)] as const
  );
  return new Map(await Promise.all(texts));
}

Deno.test("both forges have the same workflows", async () => {
  assertEquals(await workflows("gitea"), await workflows("github"));
});

Deno.test("workflows run this project's own tasks, and no actions but two, pinned", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const ran = new Set<string>();
  for (const [name, text] of await workflows("github")) {
    const { jobs, permissions }: Workflow = parse(text, { strict: true, uniqueKeys: true });
    assertEquals(Object.keys(permissions), ["contents"]);
    for (const [job, { steps, "timeout-minutes": limit }] of Object.entries(jobs)) {
      assert(limit <= 120, `${name} ${job}: no limit`);
      assertMatch(steps[0].uses ?? "", /^actions\/checkout@[0-9a-f]{40}$/);
      for (const { uses = PICTURES, run } of steps.slice(1)) {
        assertEquals(uses, PICTURES);
        for (const [, task] of run?.matchAll(/npx -y deno@2\.7\.11 task (\S+)/g) ?? []) {
          assert(task in tasks, `${name} ${job}: no task ${task}`);
          ran.add(task);
        }
        if (run === ".ci/run") ran.add(run);
      }
    }
  }
  const wanted = [".ci/run", "compile", "oci-image", "release", "release:publish"];
  assertEquals([...ran].sort(), wanted);
});

Deno.test("a version tag, and nothing else, makes a release; only that may write", async () => {
  const all = await workflows("github");
  const release: Workflow = parse(all.get("release.yaml") ?? "");
  const test: Workflow = parse(all.get("test.yaml") ?? "");
  assertEquals(release.on, { push: { tags: ["v*"] } });
  assertEquals([release.permissions.contents, test.permissions.contents], ["write", "read"]);
});

Deno.test("shellcheck has nothing to say of what workflows run", async () => {
  for (const [name, text] of await workflows("github")) {
    const { jobs }: Workflow = parse(text);
    for (const { run } of Object.values(jobs).flatMap(({ steps }) => steps)) {
      if (!run) continue;
      const input = new TextEncoder().encode(run);
      await runText("shellcheck", ["--shell=sh", "-"], { input }).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
    }
  }
});
