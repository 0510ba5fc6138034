import type { Ran } from "../sandbox.ts";

/** A process of the agent's that goes on, and says on standard error what it does. */
export class SpeakingProcess implements AsyncDisposable {
  /** What it has said so far. */
  said = "";
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<void>;
  #wake = Promise.withResolvers<void>();

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#ended = this.#listen();
    this.#wake.promise.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when it has said that. */
  async waitFor(words: string | RegExp): Promise<RegExpExecArray> {
    const wanted = typeof words === "string" ? new RegExp(RegExp.escape(words)) : words;
    while (true) {
      const found = wanted.exec(this.said);
      if (found) return found;
      await this.#wake.promise;
    }
  }

  /** Sends a signal, and resolves when it has ended. */
  async end(signal: Deno.Signal): Promise<Ran> {
    this.#child.kill(signal);
    await this.#ended;
    const { code } = await this.#child.status;
    const stdout = await new Response(this.#child.stdout).text();
    return { code, stdout, stderr: this.said };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.#ended;
    await this.#child.status;
    await this.#child.stdout.cancel().catch(() => {});
  }

  async #listen(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.said += text;
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
      this.#wake.promise.catch(() => {});
    }
    this.#wake.reject(new Error(`it has ended: ${this.said}`));
  }
}
