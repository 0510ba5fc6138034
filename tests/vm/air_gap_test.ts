import { assert, assertEquals } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds } from "../../tasks/demo/round_trip.ts";
import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";

/** The blocks of the README's section "Air gap", in order. */
async function blocks(): Promise<readonly string[]> {
  const readme = await Deno.readTextFile(`${ROOT}/README.md`);
  const [, section] = readme.split("\n### Air gap\n");
  const [text] = section.split("\n### ");
  return [...text.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, block]) => block);
}

/** What `deno task` runs for lines of a shell, wherever they are run. */
function withoutTask(lines: string): string {
  const deno = `${Deno.execPath()} run -A --no-check --config ${ROOT}/deno.json ${ROOT}/`;
  const tasks: Readonly<Record<string, { readonly command: string }>> = manifest.tasks;
  return lines.replaceAll(
    /^deno task (\S+)/gm,
    (_, name) => tasks[name].command.replace("deno run -A ", deno),
  );
}

Deno.test("behind an air gap a node is provisioned and updated as the README says", async () => {
  await ensureInstalled(...demoNeeds(false));
  const [preparations, cloudConfig, onBoot, commands] = await blocks();
  assert(cloudConfig.includes("pubkey: ") && onBoot.startsWith("#!/bin/sh"));
  const directory = await Deno.makeTempDir({ prefix: "air-gap-" });
  try {
    const told = await runText("sh", ["-ec", withoutTask(preparations)], { cwd: directory });
    const carry = `${directory}/carry`;
    const [, key] = /^for update\.conf on nodes: pubkey=(\S+)$/m.exec(told) ?? [];
    assert(key, told);
    const own = cloudConfig.replace(/pubkey: .*/, `pubkey: ${key}`);
    await Deno.writeTextFile(`${carry}/node.yaml`, own);
    await Deno.writeTextFile(`${carry}/on-boot`, onBoot);

    const { success, stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...["--net", Deno.execPath(), "run", "--allow-all", "--cached-only", "--no-check"],
        ...["tests/vm/_air_gap_walk.ts", carry, commands],
      ],
      cwd: ROOT,
      env: { RUST_BACKTRACE: "0" },
      stdin: "null",
    }).output();
    const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(success, true, `${said}${complained}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
