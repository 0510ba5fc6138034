/**
 * `deno task ok`: everything that has to hold before a change goes in.
 *
 * @module
 */

import { runText } from "./run.ts";
import { main, say } from "./screen.ts";
import { ROOT } from "./sources.ts";

/** What is checked before the tests, by what it is called on the screen. */
export const CHECKS: Readonly<Record<string, readonly string[]>> = {
  format: ["fmt", "--check", "--quiet"],
  lint: ["lint", "--quiet"],
  types: ["check", "--quiet", "main.ts", "mod", "tasks", "tests"],
  docs: ["doc", "--lint", "--quiet", ...await publicModules()],
};

/** The modules that deno.json's `exports` names. */
async function publicModules(): Promise<string[]> {
  const { exports } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  return Object.values(exports as Record<string, string>);
}

/** Runs one of {@linkcode CHECKS}; throws what it complains about. */
export async function runCheck(name: string): Promise<void> {
  await runText(Deno.execPath(), CHECKS[name], { cwd: ROOT, env: { NO_COLOR: "1" } });
}

if (import.meta.main) {
  await main(async () => {
    for (const name of Object.keys(CHECKS)) {
      await runCheck(name);
      say(`${name} ok`);
    }
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "tasks/test.ts"],
      cwd: ROOT,
    }).spawn().status;
    if (code !== 0) Deno.exit(code);
  });
}
