/**
 * `deno task bench:fleet`: how many nodes one `serve` answers, next to nginx with an answer of the same
 * size, in the same run. Needs root, for the places of the compiled agent.
 *
 * @module
 */

import { writeRequest } from "../mod/omaha/mod.ts";
import { putTinyRelease, ServeProcess } from "../tests/cli/_serve_process.ts";
import { Sandbox } from "../tests/sandbox.ts";
import { taskOptions } from "./arguments.ts";
import { ask, poll, type Polling } from "./bench/poll.ts";
import { serveByNginx } from "./bench/site.ts";
import { ensureInstalled, fileOf } from "./debian.ts";
import { main, say } from "./screen.ts";

const HELP = `deno task bench:fleet [--nodes N] [--polls N] [--json FILE]

Nodes ask the compiled agent's \`serve\` for an update over Omaha, each over a connection of its own;
then the same bytes go to nginx, which answers with a file as long as those answers. Needs root; run it
on a machine that does nothing else.

  --nodes N     nodes (5000)
  --polls N     times that each of them asks (4)
  --parallel N  connections at the same time (32)
  --json FILE   write the figures`;

const LIMITS = { nodes: 20_000, polls: 100, parallel: 64 } as const;

await main(async () => {
  const values = taskOptions(HELP, {
    nodes: { type: "string", default: "5000" },
    polls: { type: "string", default: "4" },
    parallel: { type: "string", default: "32" },
    json: { type: "string" },
  });
  const [nodes, polls, parallel] = (["nodes", "polls", "parallel"] as const)
    .map((name) => bounded(name, values[name]));
  await ensureInstalled(fileOf("nginx-light", "/usr/sbin/nginx"));
  const requests = nodes * polls;

  await using sandbox = await Sandbox.create();
  await putTinyRelease(sandbox, "2.0.0");
  await using server = new ServeProcess(sandbox);
  const port = Number(new URL(await server.url).port);
  await server.waitFor("/ offers 2.0.0");
  const path = "/v1/update/";
  const updates = Array.from({ length: nodes }, (_, n) => requestOf(n, path));
  const sample = await ask(port, updates[0]);
  const body = sample.slice(sample.indexOf("\r\n\r\n") + 4);
  const serve = await poll({
    port,
    requests,
    parallel,
    request: (n) => updates[n % nodes],
    isGood: (answer) => answer.includes('updatecheck status="ok"'),
  });
  const serveMemory = await peakOf(server.pid);

  const directory = await Deno.makeTempDir();
  let nginx: Polling;
  {
    await using site = await serveByNginx(directory);
    await Deno.mkdir(`${directory}/www/v1`);
    await Deno.writeTextFile(`${directory}/www/v1/answer`, body);
    const bytes = new TextEncoder().encode("GET /v1/answer HTTP/1.1\r\nhost: x\r\n\r\n");
    nginx = await poll({
      port: Number(new URL(site.url).port),
      requests,
      parallel,
      request: () => bytes,
      isGood: (answer) => answer.startsWith("HTTP/1.1 200 "),
    });
  }
  await Deno.remove(directory, { recursive: true });

  say(
    `\n${nodes} nodes, ${polls} times each, ${parallel} at the same time; ${body.length} bytes each`,
  );
  show("kubesolo-update serve", serve);
  show("nginx, a file", nginx);
  say(`  serve's memory, at its peak: ${serveMemory} MiB`);
  if (values.json) {
    const figures = { nodes, polls, parallel, bytes: body.length, serve, nginx, serveMemory };
    await Deno.writeTextFile(values.json, JSON.stringify(figures, null, 2));
  }
});

function show(name: string, { perSecond, median, p99 }: Polling): void {
  const milliseconds = (value: number) => `${value.toFixed(1).padStart(7)} ms`;
  say(
    `  ${perSecond.toFixed(0).padStart(7)} requests/s  half within ${milliseconds(median)}  ` +
      `99 % within ${milliseconds(p99)}  ${name}`,
  );
}

function bounded(name: keyof typeof LIMITS, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0 && value <= LIMITS[name]) return value;
  throw new Error(`--${name}: wanted a number from 1 to ${LIMITS[name]}, found ${text}`);
}

/** What that node sends. */
function requestOf(n: number, path: string): Uint8Array {
  const machineid = n.toString(16).padStart(32, "0");
  const app = { appid: "io.kubesolo.os", machineid, version: "1.0.0", track: "stable" };
  const body = writeRequest({
    updaterversion: "kubesolo-update-0.1.0",
    os: { platform: "KubeSolo OS", arch: "x64" },
    apps: [{ ...app, ping: { active: 1 }, updatecheck: {}, events: [] }],
  });
  return new TextEncoder().encode(
    `POST ${path} HTTP/1.1\r\nhost: updates.lan\r\ncontent-type: text/xml\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  );
}

/** The most memory that a process ever had, in mebibytes. */
async function peakOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}
