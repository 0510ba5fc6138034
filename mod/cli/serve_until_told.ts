/**
 * Answers HTTP until the process is told to end.
 *
 * @module
 */

import { reasonOf, type Reporter, UpdateError } from "../core/mod.ts";
import type { ListenAddress } from "./metrics/listen_address.ts";

/** Milliseconds that answers which are on their way have left at the end. */
const GRACE_MS = 2000;

/** Milliseconds between two looks whether anybody listens still. */
const LOOK_MS = 2000;

/** Milliseconds in which it is said once that nobody did. */
const SAID_MS = 60_000;

/** Every address: a node without IPv6 has no `::`. */
const EVERYWHERE = ["::", "0.0.0.0"];

/** Go's order, which clients that are told `localhost` expect. */
const LOCALHOST = ["127.0.0.1", "::1"];

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Where to listen, the flag that says so, and who hears of what goes wrong there. */
export interface Listening {
  readonly address: ListenAddress;
  readonly flag: string;
  readonly reporter: Reporter;
}

/** Answers a request. */
export type RequestHandler = (
  request: Request,
  from: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Promise<Response>;

/**
 * Answers there; `listening` is told the URL, without a path. Resolves after SIGTERM or SIGINT, when
 * what was being answered has been.
 *
 * @throws {UpdateError} `usage` where nobody can listen there.
 */
export async function serveUntilTold(
  { address: { hostname, port }, flag, reporter }: Listening,
  handler: RequestHandler,
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
    const servers = new Servers(handler);
    const { addr } = listen(hosts, port, flag, servers);
    listening(`http://${hostOf(addr.hostname)}:${addr.port}`);
    const stop = keepListening(servers, addr, reporter);
    await end.promise;
    stop();
    // who sent half a request must not keep the process: it ends with the command
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GRACE_MS);
    await Promise.race([servers.shutdown(), late]);
    clearTimeout(timer);
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, end.resolve);
  }
}

/** All that have listened, and have connections still. */
class Servers {
  readonly #handler: RequestHandler;
  readonly #open = new Set<Deno.HttpServer<Deno.NetAddr>>();

  constructor(handler: RequestHandler) {
    this.#handler = handler;
  }

  /** One more. Throws where nobody can listen there, or somebody does. */
  start(hostname: string, port: number): Deno.HttpServer<Deno.NetAddr> {
    const server = Deno.serve({ hostname, port, onListen() {} }, this.#handler);
    this.#open.add(server);
    const forget = () => this.#open.delete(server);
    server.finished.then(forget, forget);
    return server;
  }

  /** Resolves when what is being answered has been. */
  async shutdown(): Promise<void> {
    await Promise.allSettled([...this.#open].map((server) => server.shutdown()));
  }
}

/**
 * Listens again where nobody does any more: Deno ends that, and says nothing, where a connection cannot be
 * accepted, as with too many open files. Those that are open go on.
 */
function keepListening(
  servers: Servers,
  { hostname, port }: Deno.NetAddr,
  reporter: Reporter,
): () => void {
  let said = -Infinity;
  const timer = setInterval(() => {
    try {
      servers.start(hostname, port);
    } catch {
      // somebody listens, or there are too many open files still
      return;
    }
    if (performance.now() < said + SAID_MS) return;
    said = performance.now();
    const message = "a connection could not be taken: listening again; are there more clients " +
      "than files that may be open (ulimit -n, LimitNOFILE)?";
    reporter.report({ kind: "warning", message });
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** At the first of the hosts that this node has. */
function listen(
  [hostname, ...others]: readonly string[],
  port: number,
  flag: string,
  servers: Servers,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return servers.start(hostname, port);
  } catch (error) {
    const busy = error instanceof Deno.errors.AddrInUse;
    if (!busy && others.length > 0) return listen(others, port, flag, servers);
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
