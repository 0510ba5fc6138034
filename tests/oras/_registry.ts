import { join } from "@std/path";
import { closedPort } from "../http/_servers.ts";

/** How a {@linkcode Registry} is set up. */
export interface RegistryOptions {
  /** Who may use it. */
  readonly login?: { readonly username: string; readonly password: string };
  /** Speaks https, with a certificate of an authority of its own. */
  readonly tls?: boolean;
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
  static async start({ login, tls }: RegistryOptions = {}): Promise<Registry> {
    const directory = await Deno.makeTempDir({ prefix: "registry-" });
    const host = `127.0.0.1:${closedPort()}`;
    const http: Record<string, unknown> = { addr: host, secret: "of the test" };
    const auth: Record<string, unknown> = {};
    if (tls) http.tls = await certify(directory);
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

/** What a program prints; its failure is an error that says why. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const output = await new Deno.Command(program, { args }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((b) => new TextDecoder().decode(b));
  if (!output.success) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function answering(host: string): Promise<void> {
  const [hostname, port] = host.split(":");
  for (let tries = 0; tries < 200; tries++) {
    try {
      (await Deno.connect({ hostname, port: Number(port) })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("the registry does not answer");
}

/** Files of a private authority, `ca.crt`, and of a certificate of it for 127.0.0.1. */
export async function certify(directory: string): Promise<{ certificate: string; key: string }> {
  const at = (name: string) => join(directory, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await run(
    "openssl",
    ...["req", "-x509", ...key, "-subj", "/CN=private authority", "-days", "2"],
    ...["-keyout", at("ca.key"), "-out", at("ca.crt")],
  );
  await run(
    "openssl",
    ...["req", ...key, "-subj", "/CN=registry", "-keyout", at("server.key"), "-out", at("csr")],
  );
  await Deno.writeTextFile(at("extensions"), "subjectAltName=IP:127.0.0.1\n");
  await run(
    "openssl",
    ...["x509", "-req", "-in", at("csr"), "-CA", at("ca.crt"), "-CAkey", at("ca.key")],
    ...["-CAcreateserial", "-days", "2", "-extfile", at("extensions"), "-out", at("server.crt")],
  );
  return { certificate: at("server.crt"), key: at("server.key") };
}
