/**
 * A file server on a free port of the loopback, for tasks and tests: ranges, ETags, nothing cached.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import sirv from "sirv";

/** A server that runs. */
export interface FileServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
}

/** Takes a request before the files do; true: it has been answered. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves the files below `directory`, as they are when they are asked for; on any port where 0. */
export async function serveFiles(
  directory: string,
  intercept: Intercept = () => false,
  port = 0,
): Promise<FileServer> {
  const files = sirv(directory, { dev: true, etag: true });
  const server = createServer((request, response) => {
    if (intercept(request, response)) return;
    // a client that goes away in the middle leaves the file open otherwise
    response.once("pipe", (file: Readable) => response.once("close", () => file.destroy()));
    files(request, response, () => {
      response.statusCode = 404;
      response.end("Not Found");
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${chosen}`,
    port: chosen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
