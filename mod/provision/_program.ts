/** Programs of the host, run by absolute path and without its environment. */

/** Where programs are looked for, in order. */
export const PROGRAM_DIRECTORIES: readonly string[] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/** Most characters of what a program says that are passed on. */
const MAX_SAID = 600;

/** A program that could not do what it was told; the message is what it said. */
export class ProgramFailure extends Error {
  override readonly name = "ProgramFailure";
}

/** The absolute path of `program`; undefined where there is none, or none that may be run. */
export async function findProgram(program: string): Promise<string | undefined> {
  for (const directory of PROGRAM_DIRECTORIES) {
    const path = `${directory}/${program}`;
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile && ((info.mode ?? 0) & 0o111) !== 0) return path;
  }
}

/**
 * Runs a program to its end; what it wrote on standard output.
 *
 * @throws {ProgramFailure} where it cannot be run, or its exit code is not 0.
 */
export async function outputOf(
  path: string,
  args: readonly string[],
  input?: string,
): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(path, args, input === undefined ? "null" : "piped");
  const [{ success, code, stdout, stderr }] = await Promise.all([
    child.output(),
    input !== undefined && feed(child.stdin, input),
  ]);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (success) return { stdout: text(stdout), stderr: text(stderr) };
  throw failure(path, code, text(stderr) || text(stdout));
}

/**
 * What a program writes on standard output, as it comes; whoever stops reading ends it.
 *
 * @throws {ProgramFailure} where it cannot be run, or its exit code is not 0.
 */
export async function* streamOf(path: string, args: readonly string[]): AsyncIterable<Uint8Array> {
  const child = spawn(path, args, "null");
  const said = new Response(child.stderr).text();
  let ended = false;
  try {
    yield* child.stdout;
    ended = true;
  } finally {
    if (!ended) child.kill("SIGKILL");
    await child.status;
  }
  const { success, code } = await child.status;
  if (!success) throw failure(path, code, await said);
}

function spawn(path: string, args: readonly string[], stdin: "null" | "piped"): Deno.ChildProcess {
  try {
    // the language of messages and LD_PRELOAD are nothing that a caller should choose
    return new Deno.Command(path, {
      args: [...args],
      clearEnv: true,
      env: { LC_ALL: "C" },
      stdin,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    throw new ProgramFailure(`${path} cannot be run`, { cause });
  }
}

/** A program may end without having read its input: its exit code says more than the broken pipe. */
async function feed(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function failure(path: string, code: number, said: string): ProgramFailure {
  return new ProgramFailure(`${path}: ${said.trim().slice(-MAX_SAID) || `exit status ${code}`}`);
}
