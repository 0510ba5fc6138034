/**
 * Debian's containerd, with everything of it below one directory.
 *
 * @module
 */

const CONTAINERD = "/usr/bin/containerd";

/** Whether it is not installed. */
export const containerdAbsent = await Deno.stat(CONTAINERD).then(() => false, () => true);

/** Its configuration, for files below `directory`. */
export function containerdConfig(directory: string, socket: string): string {
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
`;
}

/** A containerd that runs. */
export class Containerd {
  readonly socket: string;
  #child: Deno.ChildProcess;

  private constructor(socket: string, child: Deno.ChildProcess) {
    this.socket = socket;
    this.#child = child;
  }

  /** Resolves when it listens. */
  static async start(directory: string): Promise<Containerd> {
    const socket = `${directory}/containerd.sock`;
    await Deno.writeTextFile(`${directory}/config.toml`, containerdConfig(directory, socket));
    const child = new Deno.Command(CONTAINERD, {
      args: ["--config", `${directory}/config.toml`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    for (let tries = 0; tries < 600; tries++) {
      const connection = await Deno.connect({ transport: "unix", path: socket }).catch(() => null);
      connection?.close();
      if (connection) return new Containerd(socket, child);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill("SIGKILL");
    throw new Error("containerd does not listen");
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }
}
