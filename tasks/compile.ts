/**
 * `deno task compile`: the agent as one executable, `dist/kubesolo-update-<architecture>`, limited to
 * the permissions of `permissions.agent` in deno.json; and a tool in the same way.
 *
 * @module
 */

import manifest from "../deno.json" with { type: "json" };
import { targets, taskOptions } from "./arguments.ts";
import { format } from "@std/fmt/bytes";
import { relative, resolve } from "@std/path";
import { writeCompileConfig } from "./compile_config.ts";
import type { Architecture } from "./elf.ts";
import { buildEpoch } from "./epoch.ts";
import { withLock } from "./lock.ts";
import { run } from "./run.ts";
import { findRuntime, type Runtime, TARGETS } from "./runtime.ts";
import { main, say } from "./screen.ts";
import { EMBEDDED, ROOT, sourcesDigest } from "./sources.ts";

/** Where compiled agents go unless told otherwise. */
export const DIST: string = `${ROOT}/dist`;

/** The programs that are compiled. */
export const PROGRAMS = {
  /** What nodes run. */
  agent: {
    name: "kubesolo-update",
    entry: "main.ts",
    permissions: manifest.permissions.agent,
    embedded: EMBEDDED,
    sources: ["main.ts", ...EMBEDDED],
  },
  /** `deno task provision`, for machines without Deno and without a network. */
  provision: {
    name: "kubesolo-provision",
    entry: "tasks/provision.ts",
    permissions: manifest.permissions.provision,
    embedded: [],
    sources: ["tasks"],
  },
} as const;

/** One of {@linkcode PROGRAMS}: also the name of its permissions in deno.json. */
export type Program = keyof typeof PROGRAMS;

/** {@linkcode compileProgram} for the agent. */
export async function compileAgent(architecture: Architecture, directory?: string) {
  return await compileProgram("agent", architecture, directory);
}

/**
 * Resolves with the path of the program for `architecture` in `directory`, compiled from the sources as
 * they are. Nothing is done where it was already; two processes never compile at once.
 *
 * @throws {Error} where there is no runtime, or where the sources do not compile.
 */
export async function compileProgram(
  program: Program,
  architecture: Architecture,
  directory: string = DIST,
): Promise<string> {
  const { name, entry, sources } = PROGRAMS[program];
  const output = `${resolve(directory)}/${name}-${architecture}`;
  const stamp = `${output}.stamp`;
  return await withLock(`${DIST}/.compile.lock`, async () => {
    await Deno.mkdir(directory, { recursive: true });
    const runtime = await findRuntime(architecture);
    const wanted = `${await sourcesDigest(sources)} ${runtime.digest} ${buildEpoch()}\n`;
    if (await isCurrent(output, stamp, wanted)) return output;
    await Deno.remove(stamp).catch(() => {});
    say(`compiling ${relative(Deno.cwd(), output)} (runtime: ${runtime.origin})`);
    await compile(program, entry, architecture, runtime, output);
    await Deno.writeTextFile(stamp, wanted);
    return output;
  });
}

/** Resolves when `output` is the program at `entry`, with the same permissions as the agent. */
export async function compileInScope(entry: string, output: string): Promise<void> {
  await withLock(`${DIST}/.compile.lock`, async () => {
    const architecture = Deno.build.arch;
    await compile("agent", entry, architecture, await findRuntime(architecture), output);
  });
}

async function isCurrent(output: string, stamp: string, wanted: string): Promise<boolean> {
  try {
    return (await Deno.stat(output)).isFile && await Deno.readTextFile(stamp) === wanted;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function compile(
  program: Program,
  entry: string,
  architecture: Architecture,
  runtime: Runtime,
  output: string,
): Promise<void> {
  // Names are embedded: the same ones each time, for the same bytes each time. The lock protects them.
  const scratch = `${DIST}/.compile`;
  await Deno.mkdir(scratch, { recursive: true });
  try {
    const { name, permissions: { read, write }, embedded } = PROGRAMS[program];
    const { config, lock } = await writeCompileConfig(scratch, entry, buildEpoch());
    const made = `${scratch}/${name}`;
    await run(Deno.execPath(), [
      "compile",
      "--quiet",
      ...["--config", config, "--lock", lock],
      `--permission-set=${program}`,
      // in a set, a name would be one beside deno.json; here it is one where the program is started
      `--allow-read=${read.join(",")}`,
      `--allow-write=${write.join(",")}`,
      ...embedded.flatMap((path) => ["--include", path]),
      "--no-prompt",
      "--no-code-cache", // it would be a predictable file in /tmp that a root agent trusts
      ...["--target", TARGETS[architecture]],
      ...["--output", made],
      entry,
    ], { cwd: ROOT, env: { DENORT_BIN: runtime.path } });
    await Deno.rename(made, output);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

const HELP = `deno task compile [--target x86_64|aarch64|all] [--tool provision] [--output DIR]

Makes kubesolo-update-<architecture>: the agent as one executable, limited to the permissions
of permissions.agent in deno.json.

  --target ARCH   x86_64, aarch64 or all; this machine's where it is left out
  --tool NAME     a tool in place of the agent, with the permissions of its own name: provision,
                  which makes kubesolo-provision-<architecture>, for machines without Deno
  --output DIR    where it goes (dist)

SOURCE_DATE_EPOCH, seconds since 1970, is when the agent says that it was built: no clock takes it
further back, and the same one makes the same bytes.

Deno's runtime comes from DENORT_BIN, else from Deno's own host, else from npm; the SHA-256 of
the last is checked.`;

if (import.meta.main) {
  await main(async () => {
    const values = taskOptions(HELP, {
      target: { type: "string", default: Deno.build.arch },
      tool: { type: "string" },
      output: { type: "string", default: DIST },
    });
    if (values.tool !== undefined && values.tool !== "provision") {
      throw new Error(`--tool: wanted provision, found "${values.tool}"`);
    }
    for (const architecture of targets(values.target)) {
      const path = await compileProgram(values.tool ?? "agent", architecture, values.output);
      const { size } = await Deno.stat(path);
      console.log(`${relative(Deno.cwd(), path)}  ${format(size, { binary: true })}`);
    }
  });
}
