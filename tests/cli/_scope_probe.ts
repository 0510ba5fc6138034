/**
 * Compiled with the agent's permissions: tries what is named on the command line, and says what came of
 * each.
 *
 * @module
 */

/** What can be tried, each on one path. */
const ATTEMPTS: Readonly<Record<string, (path: string) => unknown>> = {
  read: (path) => Deno.readFileSync(path),
  list: (path) => [...Deno.readDirSync(path)],
  write: (path) => Deno.writeTextFileSync(path, "probe"),
  remove: (path) => Deno.removeSync(path),
  link: (path) => Deno.symlinkSync(path, "/run/kubesolo-update/link"),
  open: (path) => Deno.openSync(path, { read: true, write: true }).close(),
  run: (path) => new Deno.Command(path, { args: ["--version"], stdout: "null" }).outputSync(),
  env: (name) => Deno.env.get(name),
  sys: () => Deno.hostname(),
  ffi: (path) => Deno.dlopen(path, {}),
};

const outcomes: [attempt: string, came: string][] = [];
for (const attempt of Deno.args) {
  const [name, path] = attempt.split(":");
  try {
    await ATTEMPTS[name](path);
    outcomes.push([attempt, "done"]);
  } catch (error) {
    outcomes.push([attempt, error instanceof Error ? error.name : String(error)]);
  }
}
console.log(JSON.stringify(outcomes));
