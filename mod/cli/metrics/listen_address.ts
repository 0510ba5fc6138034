/**
 * Where a server of the agent listens.
 *
 * @module
 */

import { UpdateError } from "../../core/mod.ts";

/** Where the exporter listens by default: on this node alone. */
export const DEFAULT_LISTEN = "127.0.0.1:9100";

/** An address to listen at. */
export interface ListenAddress {
  /** Absent: every address of the node. */
  readonly hostname?: string;
  /** 0: any that is free. */
  readonly port: number;
}

/**
 * The address in `HOST:PORT`, `[IPv6]:PORT` or `:PORT`.
 *
 * @throws {UpdateError} `usage` where it is none.
 */
export function parseListenAddress(
  text: string,
  flag = "--listen",
  example = DEFAULT_LISTEN,
): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))?:(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? Infinity);
  if (!match || port > 65_535) {
    throw new UpdateError("usage", {
      operation: `reading ${flag}`,
      found: `"${text}"`,
      advice: `write it as ADDRESS:PORT, such as ${example}, or :${
        example.split(":")[1]
      } for every address`,
    });
  }
  const hostname = match[1] ?? match[2];
  return hostname === undefined ? { port } : { hostname, port };
}
