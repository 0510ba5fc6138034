import { oneLine } from "../core/mod.ts";
import { firstThere } from "./_program.ts";
import { TOOLS } from "./tools.ts";

/** Bytes of a script's output that are kept: the last ones. */
const KEPT_OUTPUT_BYTES = 4 << 10;

/** Lines of it that a reason has. */
const SHOWN_LINES = 5;

/** Most characters of a reason's lines. */
const SHOWN_CHARACTERS = 500;

/** How long output is read on for once a script has ended: something it started may hold it open. */
const HELD_MILLISECONDS = 500;

/** How a script ended. */
export interface ScriptEnd {
  readonly success: boolean;
  /** Exit status or signal, and the last lines of what it wrote. */
  readonly account: string;
}

/**
 * Runs a script; with `signal` everything in its process group is killed. So is what it leaves behind
 * where that still holds its output.
 */
export async function runScript(
  path: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ScriptEnd> {
  const child = await inSession([path], env, "piped");
  const tail = new Tail();
  const readers = [child.stdout.getReader(), child.stderr.getReader()];
  const read = Promise.all(readers.map((reader) => drain(reader, tail)));
  let killed: Promise<unknown> | undefined;
  const kill = () => killed ??= killGroup(child.pid);
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  const { success, code, signal: by } = await child.status;
  signal.removeEventListener("abort", kill);

  let timer: ReturnType<typeof setTimeout> | undefined;
  const held = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), HELD_MILLISECONDS);
  });
  if (await Promise.race([read, held]) === true) {
    kill();
    await Promise.all(readers.map((reader) => reader.cancel()));
  }
  clearTimeout(timer);
  await read;
  await killed;
  const said = tail.lines();
  const how = by ? `killed by ${by}` : `exit status ${code}`;
  return { success, account: said ? `${how}: ${said}` : how };
}

/** Kills every process of a group that is not one's own: the runtime signals its children alone. */
async function killGroup(leader: number): Promise<void> {
  // the one form that dash, BusyBox and bash understand
  const words = ["/bin/sh", "-c", 'kill -KILL "-$1"', "sh", String(leader)];
  const child = await inSession(words, {}, "null");
  await child.status;
}

async function inSession(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  output: "piped" | "null",
): Promise<Deno.ChildProcess> {
  const child = await firstThere(TOOLS.setsid, (path) =>
    new Deno.Command(path, {
      args: [...words],
      clearEnv: true,
      env: { ...env },
      cwd: "/",
      stdin: "null",
      stdout: output,
      stderr: output,
    }).spawn());
  if (child) return child;
  throw new Error(`neither ${TOOLS.setsid.join(" nor ")} can be run`);
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>, tail: Tail): Promise<void> {
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    tail.add(value);
  }
}

/** The last bytes of any number. */
class Tail {
  #bytes = new Uint8Array();

  add(more: Uint8Array): void {
    const kept = more.subarray(-KEPT_OUTPUT_BYTES);
    const before = this.#bytes.subarray(
      Math.max(0, this.#bytes.length + kept.length - KEPT_OUTPUT_BYTES),
    );
    const bytes = new Uint8Array(before.length + kept.length);
    bytes.set(before);
    bytes.set(kept, before.length);
    this.#bytes = bytes;
  }

  lines(): string {
    const lines = new TextDecoder().decode(this.#bytes).split("\n").map(oneLine).filter(Boolean);
    return lines.slice(-SHOWN_LINES).join(" | ").slice(-SHOWN_CHARACTERS);
  }
}
