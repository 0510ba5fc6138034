/**
 * Answers HTTP until the process is told to end.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../core/mod.ts";
import type { ListenAddress } from "./metrics/listen_address.ts";

/** Milliseconds that answers which are on their way have left at the end. */
export const GRACE_MS = 2000;

/** Every address: a node without IPv6 has no `::`. */
const EVERYWHERE = ["::", "0.0.0.0"];

/** Go's order, which clients that are told `localhost` expect. */
const LOCALHOST = ["127.0.0.1", "::1"];

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Where to listen, and the flag that says so. */
export interface Listening {
  readonly address: ListenAddress;
  readonly flag: string;
}

type Handler = (request: Request, from: Deno.ServeHandlerInfo<Deno.NetAddr>) => Promise<Response>;

/**
 * Answers there; `listening` is told the URL, without a path. Resolves after SIGTERM or SIGINT, when
 * what was being answered has been.
 *
 * @throws {UpdateError} `usage` where nobody can listen there.
 */
export async function serveUntilTold(
  { address: { hostname, port }, flag }: Listening,
  handler: Handler,
  listening: (url: string) => void,
): Promise<void> {
  const end = Promise.withResolvers<void>();
  for (const signal of SIGNALS) Deno.addSignalListener(signal, end.resolve);
  try {
    const hosts = hostname === undefined
      ? EVERYWHERE
      : hostname === "localhost"
      ? LOCALHOST
      : [hostname];
    const server = listen(hosts, port, flag, handler, (address) => {
      listening(`http://${hostOf(address.hostname)}:${address.port}`);
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
  flag: string,
  handler: Handler,
  onListen: (address: Deno.NetAddr) => void,
): Deno.HttpServer {
  try {
    return Deno.serve({ hostname, port, onListen }, handler);
  } catch (error) {
    const busy = error instanceof Deno.errors.AddrInUse;
    if (!busy && others.length > 0) return listen(others, port, flag, handler, onListen);
    throw new UpdateError("usage", {
      operation: `listening at ${hostOf(hostname)}:${port}`,
      found: reasonOf(error),
      advice: busy
        ? `end what listens there (ss -ltnp "sport = :${port}"), or name another with ${flag}`
        : `name an address of this node and a port that is free with ${flag} ADDRESS:PORT`,
      cause: error,
    });
  }
}

function hostOf(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
