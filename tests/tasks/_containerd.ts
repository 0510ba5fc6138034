import { ended, type Ran } from "../sandbox.ts";
import { until } from "../until.ts";

/** Debian's containerd with directories and a socket of its own, which are gone afterwards. */
export class Containerd implements AsyncDisposable {
  readonly #directory: string;
  readonly #child: Deno.ChildProcess;

  private constructor(directory: string, child: Deno.ChildProcess) {
    this.#directory = directory;
    this.#child = child;
  }

  /** Resolves when it answers. */
  static async start(): Promise<Containerd> {
    const directory = await Deno.makeTempDir({ prefix: "containerd-" });
    const config = `
      version = 2
      root = "${directory}/root"
      state = "${directory}/state"
      disabled_plugins = ["io.containerd.grpc.v1.cri"]
      [grpc]
        address = "${directory}/socket"`;
    await Deno.writeTextFile(`${directory}/config.toml`, config);
    const child = new Deno.Command("containerd", {
      args: ["--config", `${directory}/config.toml`],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const containerd = new Containerd(directory, child);
    await until(async () => (await containerd.ctr("version")).code === 0);
    return containerd;
  }

  /** Where it listens. */
  get socket(): string {
    return `${this.#directory}/socket`;
  }

  /** Runs its command line. */
  ctr(...args: readonly string[]): Promise<Ran> {
    return ended(
      new Deno.Command("ctr", {
        args: ["--address", this.socket, ...args],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  /** Ends it. Its containers have ended and are unmounted: they were run with `--rm`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}
