/**
 * Serves metrics until the process is told to end.
 *
 * @module
 */

import { reasonOf, type Reporter, UpdateError } from "../../core/mod.ts";
import { metricsHandler, type NodeReading } from "../../metrics/mod.ts";
import type { ListenAddress } from "./listen_address.ts";

/** Milliseconds that answers which are on their way have left at the end. */
export const GRACE_MS = 2000;

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Answers at `address`. Resolves after SIGTERM or SIGINT, when what was being answered has been.
 *
 * @throws {UpdateError} `usage` where nobody can listen there.
 */
export async function serveMetrics(
  { hostname, port }: ListenAddress,
  read: () => Promise<NodeReading>,
  reporter: Reporter,
): Promise<void> {
  const abort = new AbortController();
  const end = Promise.withResolvers<void>();
  const server = listen(hostname === undefined ? ["::", "0.0.0.0"] : [hostname], port, {
    signal: abort.signal,
    handler: metricsHandler(read),
    onListen: ({ hostname, port }) => {
      const host = hostname.includes(":") ? `[${hostname}]` : hostname;
      reporter.report({ kind: "step", message: `serving http://${host}:${port}/metrics` });
    },
  });
  for (const signal of SIGNALS) Deno.addSignalListener(signal, end.resolve);
  try {
    await Promise.race([end.promise, server.finished]);
  } finally {
    const timer = setTimeout(() => abort.abort(), GRACE_MS);
    await server.shutdown();
    clearTimeout(timer);
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, end.resolve);
  }
}

interface Served {
  readonly signal: AbortSignal;
  readonly handler: (request: Request) => Promise<Response>;
  readonly onListen: (address: Deno.NetAddr) => void;
}

/** At the first of `hosts` that this node has: one without IPv6 has no `::`. */
function listen(
  hosts: readonly string[],
  port: number,
  { handler, ...options }: Served,
): Deno.HttpServer {
  const [hostname, ...others] = hosts;
  try {
    return Deno.serve({ ...options, hostname, port }, handler);
  } catch (error) {
    const busy = error instanceof Deno.errors.AddrInUse;
    if (!busy && others.length > 0) return listen(others, port, { handler, ...options });
    throw new UpdateError("usage", {
      operation: `listening at ${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
      found: reasonOf(error),
      advice: busy
        ? `end what listens there (ss -ltnp "sport = :${port}"), or name another with --listen`
        : "name an address of this node and a port that is free with --listen ADDRESS:PORT",
      cause: error,
    });
  }
}
