import { createHash } from "node:crypto";

export { freePort as closedPort } from "../../tasks/free_port.ts";

/** What a server was asked. */
export interface Asked {
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
}

/** A server for one test, on a free port of 127.0.0.1. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  /** Requests so far. */
  readonly requests: Asked[];
}

/** A certificate and its key, in PEM. */
export interface TestTls {
  readonly cert: string;
  readonly key: string;
}

/** A server that answers as `answer` says; an error in it is a 500. */
export function serve(
  answer: (request: Request, count: number) => Response | Promise<Response>,
  tls?: TestTls,
): TestServer {
  const requests: Asked[] = [];
  const options = {
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: () => new Response("", { status: 500 }),
  };
  const handler = (request: Request) => {
    const { pathname, search } = new URL(request.url);
    requests.push({ path: pathname + search, headers: new Headers(request.headers) });
    return answer(request, requests.length);
  };
  const server = tls ? Deno.serve({ ...options, ...tls }, handler) : Deno.serve(options, handler);
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** What a raw server is asked: the lines of the request, and how it answers. */
export interface RawExchange {
  /** Request line and headers, in lower case. */
  readonly head: string;
  /** Requests so far, this one included. */
  readonly count: number;
  /** Resolves with the number of bytes that the client's side took. */
  send(data: string | Uint8Array): Promise<number>;
}

/** A server that breaks the rules: it sends what `answer` sends, and then hangs up. */
export function serveRaw(
  answer: (exchange: RawExchange) => Promise<void>,
): AsyncDisposable & { readonly url: string; readonly heads: string[]; sent: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heads: string[] = [];
  const open = new Set<Deno.Conn>();
  const running: Promise<void>[] = [];
  const server = {
    url: `http://127.0.0.1:${listener.addr.port}`,
    heads,
    sent: 0,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) connection.close();
      await Promise.all(running);
    },
  };
  const accept = async () => {
    for await (const connection of listener) running.push(handle(connection));
  };
  const handle = async (connection: Deno.Conn) => {
    open.add(connection);
    try {
      const head = await readHead(connection);
      heads.push(head);
      await answer({ head, count: heads.length, send: (data) => send(connection, data) });
    } catch {
      // the client hung up
    } finally {
      if (open.delete(connection)) {
        try {
          connection.close();
        } catch {
          // closed already
        }
      }
    }
  };
  const send = async (connection: Deno.Conn, data: string | Uint8Array) => {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    for (let written = 0; written < bytes.length;) {
      written += await connection.write(bytes.subarray(written));
    }
    server.sent += bytes.length;
    return bytes.length;
  };
  running.push(accept());
  return server;
}

async function readHead(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(16 << 10);
  let length = 0;
  while (length < buffer.length) {
    const read = await connection.read(buffer.subarray(length));
    if (read === null) break;
    length += read;
    const text = new TextDecoder().decode(buffer.subarray(0, length));
    if (text.includes("\r\n\r\n")) return text.toLowerCase();
  }
  throw new Error("no request");
}

/** A `latest.json` of one image. */
export function imageJson(bytes: Uint8Array, changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    version: "1.2.0",
    image_url: "root.img",
    image_sha256: createHash("sha256").update(bytes).digest("hex"),
    image_size: bytes.length,
    ...changes,
  });
}

/** Ends at once, and keeps the milliseconds that it was asked for. */
export function recordedSleep(): {
  waits: number[];
  sleep: (milliseconds: number) => Promise<void>;
} {
  const waits: number[] = [];
  return {
    waits,
    sleep(milliseconds) {
      waits.push(milliseconds);
      return Promise.resolve();
    },
  };
}
