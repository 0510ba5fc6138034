/**
 * The compiled agent's exporter on a node of tests.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ended } from "../sandbox.ts";
import { parseText } from "../metrics/_parse_text.ts";
import { SpeakingProcess } from "./_speaking_process.ts";
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
export class Exporter extends SpeakingProcess {
  /** Where it listens. */
  url = "";

  /** Resolves when it listens. */
  static async start(node: TestNode, ...more: readonly string[]): Promise<Exporter> {
    const { sandbox } = node;
    const args = more.length > 0 ? more : ["--listen", "127.0.0.1:0"];
    const exporter = new Exporter(sandbox.start(sandbox.agent, "metrics", ...args));
    [, exporter.url] = await exporter.waitFor(/serving (http:\S+)\/metrics/);
    return exporter;
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
}
