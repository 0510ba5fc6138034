/**
 * QEMU's machine protocol: one JSON object a line, over a unix socket.
 *
 * @module
 */

/** Something that QEMU tells unasked: `SHUTDOWN`, `RESET`, … */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

type Answer = { readonly return: unknown } | { readonly error: { readonly desc: string } };

/** A conversation with one QEMU. */
export class Qmp {
  #connection: Deno.Conn;
  #onEvent: (event: QmpEvent) => void;
  #pending: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  /** Resolves when QEMU has hung up. */
  readonly closed: Promise<void>;

  private constructor(connection: Deno.Conn, onEvent: (event: QmpEvent) => void) {
    this.#connection = connection;
    this.#onEvent = onEvent;
    this.closed = this.#listen();
  }

  /** Resolves when QEMU takes commands and sends events. */
  static async greet(connection: Deno.Conn, onEvent: (event: QmpEvent) => void): Promise<Qmp> {
    const qmp = new Qmp(connection, onEvent);
    await qmp.run("qmp_capabilities");
    return qmp;
  }

  /**
   * What a command returns.
   * @throws {Error} with QEMU's words where it refuses, or has ended.
   */
  async run(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.push({ resolve, reject });
    });
    answer.catch(() => {});
    const line = `${JSON.stringify({ execute: command, arguments: args })}\n`;
    await this.#connection.write(new TextEncoder().encode(line));
    return await answer;
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const bytes of this.#connection.readable) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
        rest = lines.pop() as string;
        for (const line of lines) if (line.trim()) this.#take(JSON.parse(line));
      }
    } catch {
      // a killed QEMU resets the connection
    }
    for (const { reject } of this.#pending) reject(new Error("QEMU has ended"));
  }

  #take(message: Answer | QmpEvent | { readonly QMP: unknown }): void {
    if ("event" in message) this.#onEvent(message);
    else if ("error" in message) this.#pending.shift()?.reject(new Error(message.error.desc));
    else if ("return" in message) this.#pending.shift()?.resolve(message.return);
  }
}
