/**
 * The compiled agent's exporter on a node of tests.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ended, type Ran } from "../sandbox.ts";
import { parseText } from "../metrics/_parse_text.ts";
import type { TestNode } from "./_test_node.ts";

/** Every series of a text as `name{label=value}`. */
export function seriesOf(text: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    parseText(text, text.endsWith("# EOF\n")).flatMap(({ name, samples }) =>
      samples.map(({ labels, value }) => {
        const pairs = Object.entries(labels ?? {}).map(([label, text]) => `${label}=${text}`);
        return [`${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""}`, value];
      })
    ),
  );
}

/** What `promtool check metrics` complains about. */
export async function promtoolCheck(text: string): Promise<string> {
  const child = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, stderr } = await ended(child);
  return stdout + stderr;
}

/** `metrics --listen` on a free port. */
export class Exporter implements AsyncDisposable {
  readonly url: string;
  /** What it has said on standard error so far. */
  said = "";
  readonly #child: Deno.ChildProcess;
  readonly #listened: Promise<void>;

  private constructor(url: string, said: string, child: Deno.ChildProcess, rest: Promise<void>) {
    this.url = url;
    this.said = said;
    this.#child = child;
    this.#listened = rest;
  }

  /** Resolves when it listens. */
  static async start(node: TestNode, ...more: readonly string[]): Promise<Exporter> {
    const { sandbox } = node;
    const args = more.length > 0 ? more : ["--listen", "127.0.0.1:0"];
    const child = sandbox.start(sandbox.agent, "metrics", ...args);
    const lines = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (true) {
      const { value, done } = await lines.read();
      if (done) throw new Error(`the exporter has ended: ${said}`);
      said += value;
      const url = /serving (http:\S+)\/metrics/.exec(said)?.[1];
      if (!url) continue;
      const rest = async () => {
        while (true) {
          const { value, done } = await lines.read();
          if (done) return;
          exporter.said += value;
        }
      };
      const exporter: Exporter = new Exporter(url, said, child, Promise.resolve().then(rest));
      return exporter;
    }
  }

  /** What it answers with status 200. */
  async get(path: string, accept = "*/*"): Promise<string> {
    const answer = await fetch(`${this.url}${path}`, { headers: { accept } });
    const text = await answer.text();
    assertEquals(answer.status, 200, text);
    return text;
  }

  /** The series. */
  async scrape(accept?: string): Promise<Readonly<Record<string, number>>> {
    return seriesOf(await this.get("/metrics", accept));
  }

  /** Sends a signal, and resolves when it has ended. */
  async end(signal: Deno.Signal): Promise<Ran> {
    this.#child.kill(signal);
    await this.#listened;
    const { code } = await this.#child.status;
    const stdout = await new Response(this.#child.stdout).text();
    return { code, stdout, stderr: this.said };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.#listened;
    await this.#child.status;
    await this.#child.stdout.cancel().catch(() => {});
  }
}
