/** `serve` of the compiled agent, as a process of its own. */

import type { Sandbox } from "../sandbox.ts";

/** Where it finds releases unless told otherwise. */
export const SERVED = "/var/lib/kubesolo/serve";

/** Puts a release of two tiny files into a directory of the sandbox. */
export async function putTinyRelease(
  sandbox: Sandbox,
  version: string,
  directory = SERVED,
): Promise<void> {
  await sandbox.sh(`
    mkdir -p ${directory}; cd ${directory}
    echo "kernel ${version}" >vmlinuz; echo "initramfs ${version}" >kubesolo-os.gz
    digest() { sha256sum <"$1" | cut -d' ' -f1; }
    printf '{"version":"%s","channel":"stable","vmlinuz_url":"vmlinuz","vmlinuz_sha256":"%s",' \\
      ${version} "$(digest vmlinuz)" >latest.json
    printf '"initramfs_url":"kubesolo-os.gz","initramfs_sha256":"%s"}' \\
      "$(digest kubesolo-os.gz)" >>latest.json
  `);
}

/** A server in a sandbox, on any free port of the loopback. */
export class ServeProcess implements AsyncDisposable {
  /** What it has said so far. */
  said = "";
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<void>;
  #wake = Promise.withResolvers<void>();

  constructor(sandbox: Sandbox, ...args: string[]) {
    const child = sandbox.start(sandbox.agent, "serve", "--listen", "127.0.0.1:0", ...args);
    this.#child = child;
    this.#ended = (async () => {
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        this.said += text;
        this.#wake.resolve();
        this.#wake = Promise.withResolvers();
        this.#wake.promise.catch(() => {});
      }
      this.#wake.reject(new Error(`it has ended: ${this.said}`));
    })();
    this.#wake.promise.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Where it listens. */
  get url(): Promise<string> {
    return this.waitFor(/ at (http:\S+), over Omaha/).then((match) => match[1]);
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

  /** Ends it; its exit code. */
  async end(signal: Deno.Signal): Promise<number> {
    this.#child.kill(signal);
    await this.#ended;
    return (await this.#child.status).code;
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
}
