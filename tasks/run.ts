/**
 * Running other programs, for tasks.
 *
 * @module
 */

/** PATH with the directories of the superuser's programs, which a plain user's PATH leaves out. */
const SEARCH_PATH = [
  ...(Deno.env.get("PATH") ?? "").split(":").filter((directory) => directory.startsWith("/")),
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
  "/usr/bin",
  "/bin",
].join(":");

/** A program that could not be started, or that did not end well. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  /** What it wrote, both streams. */
  readonly output: string;

  /** `what` it was, how it ended, and what it said. */
  constructor(what: string, ended: string, output: string) {
    super(`${what}: ${ended}${output ? `\n${output}` : ""}`);
    this.output = output;
  }
}

/** What a program is given besides its arguments. */
export interface RunOptions {
  /** Its standard input; empty otherwise. */
  readonly input?: Uint8Array;
  /** Variables over those of this process; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where it runs. */
  readonly cwd?: string;
  /** Exit codes that are fine besides 0. */
  readonly accept?: readonly number[];
}

/** Whether `path` is a file that can be executed. */
function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/** The absolute path of a program, looked up in {@linkcode SEARCH_PATH}; undefined: there is none. */
export function findProgram(name: string): string | undefined {
  if (name.startsWith("/")) return isExecutable(name) ? name : undefined;
  for (const directory of SEARCH_PATH.split(":")) {
    const path = `${directory}/${name}`;
    if (isExecutable(path)) return path;
  }
}

/** What a program wrote. */
export interface Written {
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;
}

/**
 * Runs a program to its end and resolves with what it wrote.
 *
 * @throws {ProgramError} where it is not there, or ends with anything but 0 and what is accepted.
 */
export async function runBoth(
  name: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Written> {
  const line = [name, ...args].join(" ");
  const path = findProgram(name);
  if (!path) throw new ProgramError(line, "no such program", "");
  const child = new Deno.Command(path, {
    args: [...args],
    cwd: options.cwd,
    clearEnv: true,
    env: environment(options.env),
    stdin: options.input ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ code, signal, stdout, stderr }] = await Promise.all([
    child.output(),
    options.input && feed(child.stdin, options.input),
  ]);
  if (code !== 0 && !(options.accept?.includes(code))) {
    const said = [stderr, stdout].map((bytes) => new TextDecoder().decode(bytes).trim());
    throw new ProgramError(line, `ended with ${signal ?? code}`, said.filter(Boolean).join("\n"));
  }
  return { stdout, stderr };
}

/** As {@linkcode runBoth}, with the standard output alone. */
export async function run(
  name: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return (await runBoth(name, args, options)).stdout;
}

/** This process's variables, without the one that makes every error of Deno longer, and `extra`. */
function environment(extra: RunOptions["env"]): Record<string, string> {
  const all = {
    ...Deno.env.toObject(),
    LC_ALL: "C",
    PATH: SEARCH_PATH,
    RUST_BACKTRACE: undefined,
    ...extra,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A program may end without having read its input: its exit code says more than the broken pipe. */
async function feed(stdin: WritableStream<Uint8Array>, input: Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(input);
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** As {@linkcode run}, with the output as text. */
export async function runText(
  name: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  return new TextDecoder().decode(await run(name, args, options));
}
