/**
 * What is served: the metrics, a page that leads to them, and whether the exporter works.
 *
 * @module
 */

import { reasonOf } from "../core/mod.ts";
import { chooseFormat } from "./choose_format.ts";
import type { Family } from "./family.ts";
import { type NodeReading, PARTS } from "./node_reading.ts";
import { osFamilies } from "./os_families.ts";
import { contentTypeOf } from "./text_format.ts";
import { updateFamilies } from "./update_families.ts";

/** Requests that are answered at the same time; more are sent away. */
export const MAX_PARALLEL_REQUESTS = 16;

/** Every family that the agent has. */
export function familiesOf(reading: NodeReading): Family[] {
  return [...osFamilies(reading), ...updateFamilies(reading)];
}

/**
 * Answers requests: `/metrics` in the format that is asked for, `/healthz`, and `/`. Whatever could
 * not be read is missing in the answer, and `kubesolo_update_scrape_problem` says so; the status is 200
 * all the same. `read` is called anew for each request, and for several at once where they come so.
 */
export function metricsHandler(
  read: () => Promise<NodeReading>,
): (request: Request) => Promise<Response> {
  let active = 0;
  return async (request) => {
    if (active >= MAX_PARALLEL_REQUESTS) {
      return answer(request, 503, "too many requests at once\n", { "retry-after": "1" });
    }
    active++;
    try {
      return await respond(request, read);
    } catch (error) {
      // nothing that is on the node's disks leads here
      return answer(request, 503, `the exporter does not work: ${reasonOf(error)}\n`);
    } finally {
      active--;
    }
  };
}

async function respond(request: Request, read: () => Promise<NodeReading>): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return answer(request, 405, "GET and HEAD only\n", { allow: "GET, HEAD" });
  }
  switch (new URL(request.url).pathname) {
    case "/metrics": {
      const format = chooseFormat(request.headers.get("accept"));
      const text = format.write(familiesOf(await read()));
      return answer(request, 200, text, { "content-type": contentTypeOf(format), vary: "accept" });
    }
    case "/healthz":
      chooseFormat(null).write(familiesOf(await read()));
      return answer(request, 200, "ok\n");
    case "/":
      return answer(request, 200, page(await read()), {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "default-src 'none'",
      });
    default:
      return answer(request, 404, "here are /metrics and /healthz\n");
  }
}

function answer(
  { method }: Request,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): Response {
  const bytes = new TextEncoder().encode(text);
  return new Response(method === "HEAD" ? null : bytes, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(bytes.length),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}

function page({ agent, problems }: NodeReading): string {
  const lines = PARTS.flatMap((part) => {
    const problem = problems[part];
    return problem === undefined ? [] : [`<li>${part}: ${escapeHtml(problem)}</li>`];
  });
  return `<!doctype html>
<html lang="en">
<title>kubesolo-update</title>
<h1>kubesolo-update ${escapeHtml(agent.version)}</h1>
<p><a href="/metrics">metrics</a>, <a href="/healthz">health of this exporter</a></p>
${lines.length > 0 ? `<p>Could not be read:</p>\n<ul>\n${lines.join("\n")}\n</ul>\n` : ""}</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
