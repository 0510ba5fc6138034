/**
 * Debian's containerd, with everything of it below one directory.
 *
 * @module
 */

import { until } from "../until.ts";

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
    try {
      await until(async () => {
        (await Deno.connect({ transport: "unix", path: socket })).close();
        return true;
      });
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
    return new Containerd(socket, child);
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }
}
