/** A proxy that makes tunnels (RFC 9110, 9.3.6), for one test. */
export class ConnectProxy implements AsyncDisposable {
  /** Where tunnels were asked to: host and port. */
  readonly tunnels: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #running: Promise<void>[] = [];

  constructor() {
    this.#running.push(this.#accept());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) hangUp(connection);
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) this.#running.push(this.#tunnel(client));
  }

  async #tunnel(client: Deno.Conn): Promise<void> {
    this.#open.add(client);
    try {
      const head = new Uint8Array(4096);
      const length = await client.read(head) ?? 0;
      const [, hostname, port] = /^CONNECT (\S+):(\d+) /.exec(
        new TextDecoder().decode(head.subarray(0, length)),
      ) ?? [];
      this.tunnels.push(`${hostname}:${port}`);
      const server = await Deno.connect({ hostname, port: Number(port) });
      this.#open.add(server);
      await client.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
      await Promise.all([
        client.readable.pipeTo(server.writable),
        server.readable.pipeTo(client.writable),
      ]);
    } catch {
      // one of them hung up
    }
  }
}

function hangUp(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // it was at its end
  }
}
