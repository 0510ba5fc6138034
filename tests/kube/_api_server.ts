/**
 * An API server for tests: nginx takes the TLS connections and asks for client certificates, the
 * answers are given here.
 *
 * @module
 */

import { Authority } from "../certificates.ts";
import { type Nginx, startNginx } from "../http/_nginx.ts";
import { closedPort } from "../http/_servers.ts";
import { NODE, nodeObject, podList, podObject, statusObject } from "./_objects.ts";

export const TOKEN = "token-of-the-agent";

/** Answers in place of the server, or leaves it to it. */
export type Intercept = (url: URL) => Response | Promise<Response> | undefined;

/** Members that replace the right ones; undefined leaves one out. */
export type Changes = Readonly<Record<string, unknown>>;

interface Parts {
  readonly url: string;
  readonly directory: string;
  readonly authority: Authority;
  readonly nginx: Nginx;
  readonly server: Deno.HttpServer;
  readonly credentials: { ca: string; certificate: string; key: string };
}

/** See the module's description. */
export class ApiServer implements AsyncDisposable {
  /** The node that it knows. */
  node: unknown = nodeObject();
  /** The pods of kube-system. */
  pods: unknown[] = [podObject()];
  /** Takes a request first. */
  intercept: Intercept = () => undefined;
  /** Path and query of every request that was let in. */
  readonly requests: string[] = [];
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async start(): Promise<ApiServer> {
    const directory = await Deno.makeTempDir({ prefix: "api-server-" });
    const authority = await Authority.create(directory);
    const own = await authority.issue("server");
    const admin = await authority.issue("admin");
    const made: { api?: ApiServer } = {};
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => (made.api as ApiServer).#answer(request),
    );
    const port = closedPort();
    const nginx = await startNginx(() => `
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${own.certificate}; ssl_certificate_key ${own.key};
        ssl_client_certificate ${authority.certificate}; ssl_verify_client optional;
        location / {
          proxy_pass http://127.0.0.1:${server.addr.port};
          proxy_set_header X-Client $ssl_client_verify; proxy_buffering off;
        }
      }`);
    const credentials = {
      ca: await Deno.readTextFile(authority.certificate),
      certificate: await Deno.readTextFile(admin.certificate),
      key: await Deno.readTextFile(admin.key),
    };
    const url = `https://127.0.0.1:${port}`;
    return made.api = new ApiServer({ url, directory, authority, nginx, server, credentials });
  }

  get url(): string {
    return this.#parts.url;
  }

  /** Issues certificates that it accepts. */
  get authority(): Authority {
    return this.#parts.authority;
  }

  /** A kubeconfig as KubeSolo writes it: the client's certificate inside. */
  kubeconfig({ cluster = {}, user = {} }: { cluster?: Changes; user?: Changes } = {}): string {
    const { ca, certificate, key } = this.#parts.credentials;
    const ofCluster = { server: this.url, "certificate-authority-data": btoa(ca), ...cluster };
    const ofUser = {
      "client-certificate-data": btoa(certificate),
      "client-key-data": btoa(key),
      ...user,
    };
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      preferences: {},
      clusters: [{ name: "kubesolo", cluster: ofCluster }],
      contexts: [{
        name: "kubernetes-admin@kubesolo",
        context: { cluster: "kubesolo", user: "kubernetes-admin" },
      }],
      "current-context": "kubernetes-admin@kubesolo",
      users: [{ name: "kubernetes-admin", user: ofUser }],
    });
  }

  /** A kubeconfig with a token in place of the certificate. */
  tokenKubeconfig(token: string = TOKEN): string {
    const none = { "client-certificate-data": undefined, "client-key-data": undefined };
    return this.kubeconfig({ user: { ...none, token } });
  }

  /** Writes a kubeconfig; its path. */
  async write(text: string, name = "kubeconfig"): Promise<string> {
    const path = `${this.#parts.directory}/${name}`;
    await Deno.writeTextFile(path, text);
    return path;
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const known = request.headers.get("x-client") === "SUCCESS" ||
      request.headers.get("authorization") === `Bearer ${TOKEN}`;
    if (!known) return statusObject(401, "Unauthorized", "Unauthorized");
    this.requests.push(url.pathname + url.search);
    const instead = await this.intercept(url);
    if (instead) return instead;
    switch (url.pathname) {
      case "/readyz":
        return new Response("ok");
      case `/api/v1/nodes/${NODE}`:
        return Response.json(this.node);
      case "/api/v1/namespaces/kube-system/pods":
        return this.#page(url.searchParams);
      default:
        return statusObject(404, "NotFound", `${url.pathname} not found`);
    }
  }

  /** `continue` is opaque; here it says where the next page starts. */
  #page(query: URLSearchParams): Response {
    if (query.get("fieldSelector") !== `spec.nodeName=${NODE}`) return Response.json(podList([]));
    const start = Number(query.get("continue") ?? 0);
    const end = start + Number(query.get("limit") ?? this.pods.length);
    const more = end < this.pods.length ? String(end) : undefined;
    return Response.json(podList(this.pods.slice(start, end), more));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { nginx, server, directory } = this.#parts;
    await nginx[Symbol.asyncDispose]();
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
}
