/**
 * The configuration that a program is compiled with: that of the repository, without the packages that
 * the program does not reach, since `deno compile` embeds every npm package that the lock file knows.
 *
 * @module
 */

import { relative } from "@std/path";
import { runText } from "./run.ts";
import { ROOT } from "./sources.ts";

/** The parts of deno.json that matter here. */
interface DenoConfig {
  readonly imports: Readonly<Record<string, string>>;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, unknown>>;
}

/** The part of `deno info --json` that matters here. */
interface ModuleGraph {
  readonly modules: readonly { readonly npmPackage?: string }[];
}

/** What the agent reads the time of its build from; compiled, it has one of its own. */
const BUILD = "@kubesolo/update/build.json";

/**
 * Writes a configuration and a lock file into `directory`, for compiling `entry` at `epoch`, seconds since
 * 1970.
 */
export async function writeCompileConfig(
  directory: string,
  entry: string,
  epoch: number,
): Promise<{ config: string; lock: string }> {
  const original: DenoConfig = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const reached = await reachedPackages(entry);
  const up = relative(directory, ROOT);
  const local = (path: string) => path.startsWith("./") ? `${up}/${path.slice(2)}` : path;
  const imports = Object.entries(original.imports)
    .filter(([, target]) => !target.startsWith("npm:") || reached.has(packageOf(target.slice(4))))
    .map(([name, target]) => [name, local(target)]);
  const types = original.compilerOptions["types"];
  const config = {
    imports: { ...Object.fromEntries(imports), [BUILD]: "./build.json" },
    compilerOptions: {
      ...original.compilerOptions,
      ...Array.isArray(types) && { types: types.map((path) => local(String(path))) },
    },
    permissions: original.permissions,
  };
  const paths = { config: `${directory}/deno.json`, lock: `${directory}/deno.lock` };
  await Deno.writeTextFile(paths.config, JSON.stringify(config, null, 2));
  await Deno.writeTextFile(`${directory}/build.json`, JSON.stringify({ epoch }));
  await Deno.copyFile(`${ROOT}/deno.lock`, paths.lock);
  return paths;
}

/** Names, without versions, of the npm packages that `entry` imports, however deep. */
async function reachedPackages(entry: string): Promise<ReadonlySet<string>> {
  const info = await runText(Deno.execPath(), ["info", "--json", entry], { cwd: ROOT });
  const { modules }: ModuleGraph = JSON.parse(info);
  return new Set(modules.flatMap(({ npmPackage }) => npmPackage ? [packageOf(npmPackage)] : []));
}

/** `@scope/name` of `@scope/name@1.0.0/path`. */
function packageOf(specifier: string): string {
  return /^(?:@[^/@]+\/)?[^/@]+/.exec(specifier)?.[0] ?? specifier;
}
