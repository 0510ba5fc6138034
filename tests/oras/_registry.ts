import { join } from "@std/path";
import { Authority } from "../certificates.ts";
import { closedPort } from "../http/_servers.ts";
import { run } from "../loop_disk.ts";
import { until } from "../until.ts";

/** How a {@linkcode Registry} is set up. */
export interface RegistryOptions {
  /** Who may use it. */
  readonly login?: { readonly username: string; readonly password: string };
  /** Speaks https, with a certificate of an authority of its own, whose file is `ca.crt`. */
  readonly tls?: boolean;
  /** With TLS: lets in those alone who present a certificate of this authority. */
  readonly clients?: Authority;
  /** 127.0.0.1 where absent. */
  readonly address?: "127.0.0.1" | "[::1]";
}

/** Debian's docker-registry on a free port, with a root that is gone afterwards. */
export class Registry implements AsyncDisposable {
  /** Host and port. */
  readonly host: string;
  /** Files of its own: `data`, and with TLS `ca.crt`. */
  readonly directory: string;
  readonly #child: Deno.ChildProcess;

  private constructor(host: string, directory: string, child: Deno.ChildProcess) {
    this.host = host;
    this.directory = directory;
    this.#child = child;
  }

  /** Resolves when it answers. */
  static async start(
    { login, tls, clients, address = "127.0.0.1" }: RegistryOptions = {},
  ): Promise<Registry> {
    const directory = await Deno.makeTempDir({ prefix: "registry-" });
    const host = `${address}:${closedPort()}`;
    const http: Record<string, unknown> = { addr: host, secret: "of the test" };
    const auth: Record<string, unknown> = {};
    if (tls) {
      const issued = await (await Authority.create(directory)).issue("registry");
      http.tls = { ...issued, ...clients ? { clientcas: [clients.certificate] } : {} };
    }
    if (login) {
      const path = join(directory, "htpasswd");
      const { username, password } = login;
      await Deno.writeTextFile(path, await run("htpasswd", "-Bbn", username, password));
      auth.htpasswd = { realm: "test", path };
    }
    const config = {
      version: "0.1",
      log: { level: "error", accesslog: { disabled: true } },
      storage: {
        filesystem: { rootdirectory: join(directory, "data") },
        delete: { enabled: true },
      },
      http,
      ...(login ? { auth } : {}),
    };
    const path = join(directory, "config.yml");
    // JSON is YAML
    await Deno.writeTextFile(path, JSON.stringify(config));
    const child = new Deno.Command("docker-registry", {
      args: ["serve", path],
      stdout: "null",
      stderr: "null",
    }).spawn();
    await answering(host);
    return new Registry(host, directory, child);
  }

  /** Ends it at once. */
  async stop(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended already
    }
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.directory, { recursive: true });
  }
}

async function answering(host: string): Promise<void> {
  const { hostname, port } = new URL(`http://${host}`);
  const address = { hostname: hostname.replace(/[[\]]/g, ""), port: Number(port) };
  await until(async () => {
    (await Deno.connect(address)).close();
    return true;
  });
}
