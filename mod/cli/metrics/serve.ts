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

/** Every address: a node without IPv6 has no `::`. */
const EVERYWHERE = ["::", "0.0.0.0"];

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
  const end = Promise.withResolvers<void>();
  for (const signal of SIGNALS) Deno.addSignalListener(signal, end.resolve);
  try {
    const hosts = hostname === undefined ? EVERYWHERE : [hostname];
    const server = listen(hosts, port, metricsHandler(read), (address) => {
      const url = `http://${hostOf(address.hostname)}:${address.port}/metrics`;
      reporter.report({ kind: "step", message: `serving ${url}` });
    });
    await end.promise;
    // who sent half a request must not keep the process: it ends with the command
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GRACE_MS);
    await Promise.race([server.shutdown(), late]);
    clearTimeout(timer);
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, end.resolve);
  }
}

/** At the first of the hosts that this node has. */
function listen(
  [hostname, ...others]: readonly string[],
  port: number,
  handler: (request: Request) => Promise<Response>,
  onListen: (address: Deno.NetAddr) => void,
): Deno.HttpServer {
  try {
    return Deno.serve({ hostname, port, onListen }, handler);
  } catch (error) {
    const busy = error instanceof Deno.errors.AddrInUse;
    if (!busy && others.length > 0) return listen(others, port, handler, onListen);
    throw new UpdateError("usage", {
      operation: `listening at ${hostOf(hostname)}:${port}`,
      found: reasonOf(error),
      advice: busy
        ? `end what listens there (ss -ltnp "sport = :${port}"), or name another with --listen`
        : "name an address of this node and a port that is free with --listen ADDRESS:PORT",
      cause: error,
    });
  }
}

function hostOf(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
