import { digestOf } from "../../mod/oras/mod.ts";
import { serve, type TestServer } from "../http/_servers.ts";

/** A manifest as a registry keeps it. */
export interface KeptManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** How a {@linkcode TokenRegistry} behaves. */
export interface TokenRegistryOptions {
  /** Tokens are wanted, and last this long. */
  readonly tokenSeconds?: number;
  /** User and password that the token server wants. */
  readonly login?: { readonly username: string; readonly password: string };
  /** The identity token that it takes. */
  readonly identity?: string;
  /** Has the referrers API. */
  readonly referrers?: boolean;
  /** Entries of one page of tags or referrers. */
  readonly page?: number;
  /** `OCI-Chunk-Min-Length` that it answers. */
  readonly chunkLength?: number;
  /** Takes no blobs from other repositories. */
  readonly noMount?: boolean;
  /** Answers instead of the registry, where it wants to. */
  readonly intercept?: (request: Request, path: string) => Response | undefined;
}

/** A registry in this process, with a token server of its own below `/token`. */
export class TokenRegistry implements AsyncDisposable {
  /** By `repository@digest`. */
  readonly blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  /** By `repository@digest`. */
  readonly manifests = new Map<string, KeptManifest>();
  /** Digests by `repository:tag`. */
  readonly tags = new Map<string, string>();
  /** Scopes that tokens were asked for. */
  readonly asked: string[] = [];
  readonly #options: TokenRegistryOptions;
  readonly #server: TestServer;
  readonly #tokens = new Map<string, { scopes: string[]; until: number }>();
  readonly #uploads = new Map<string, Uint8Array<ArrayBuffer>>();

  constructor(options: TokenRegistryOptions = {}) {
    this.#options = options;
    this.#server = serve((request) => this.#answer(request));
  }

  /** Host and port. */
  get host(): string {
    return new URL(this.#server.url).host;
  }

  get requests() {
    return this.#server.requests;
  }

  /** All tokens are worth nothing from now on. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#server[Symbol.asyncDispose]();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    const intercepted = this.#options.intercept?.(request, url.pathname);
    if (intercepted) return intercepted;
    if (url.pathname === "/token") return this.#giveToken(request, url, body);
    const match = /^\/v2\/(.+?)\/(blobs|manifests|tags|referrers)\/(.*)$/.exec(url.pathname);
    if (!match) return problem(404, "NAME_UNKNOWN");
    const [, repository, kind, rest] = match;
    const refused = this.#refusal(request, url, repository);
    if (refused) return refused;
    if (kind === "tags") return this.#tagList(url, repository);
    if (kind === "referrers") return this.#referrers(url, repository, rest);
    if (kind === "manifests") return this.#manifest(request, repository, rest, body);
    if (rest.startsWith("uploads/")) return this.#upload(request, url, repository, rest, body);
    return this.#blob(request, `${repository}@${rest}`);
  }

  #giveToken(request: Request, url: URL, body: Uint8Array): Response {
    const { login, identity, tokenSeconds } = this.#options;
    const form = new URLSearchParams(new TextDecoder().decode(body));
    if (request.method === "POST") {
      if (form.get("refresh_token") !== identity) return problem(401, "UNAUTHORIZED");
    } else if (login) {
      const wanted = `Basic ${btoa(`${login.username}:${login.password}`)}`;
      if (request.headers.get("authorization") !== wanted) return problem(401, "UNAUTHORIZED");
    }
    const scopes = request.method === "POST"
      ? (form.get("scope") ?? "").split(" ")
      : url.searchParams.getAll("scope");
    this.asked.push(scopes.join(" "));
    const token = crypto.randomUUID();
    this.#tokens.set(token, { scopes, until: Date.now() + (tokenSeconds ?? 0) * 1000 });
    const name = request.method === "POST" ? "access_token" : "token";
    return Response.json({ [name]: token, expires_in: tokenSeconds });
  }

  #refusal(request: Request, url: URL, repository: string): Response | undefined {
    if (this.#options.tokenSeconds === undefined) return undefined;
    const action = ["GET", "HEAD"].includes(request.method)
      ? "pull"
      : request.method === "DELETE" && !url.pathname.includes("/uploads/")
      ? "delete"
      : "push";
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    const known = this.#tokens.get(token);
    const may = (name: string, wanted: string) =>
      known?.scopes.some((scope) => {
        const [, repository, actions] = scope.split(":");
        return repository === name && actions.split(",").includes(wanted);
      });
    const from = url.searchParams.get("from");
    const allowed = known && known.until > Date.now() && may(repository, action) &&
      (from === null || may(from, "pull"));
    if (allowed) return undefined;
    const challenge = `Bearer realm="http://${this.host}/token",service="test",` +
      `scope="repository:${repository}:${action}"`;
    return problem(401, "UNAUTHORIZED", { "www-authenticate": challenge });
  }

  #tagList(url: URL, repository: string): Response {
    const names = [...this.tags.keys()].filter((name) => name.startsWith(`${repository}:`))
      .map((name) => name.slice(repository.length + 1)).sort();
    const last = url.searchParams.get("last") ?? "";
    const rest = names.filter((name) => name > last);
    const page = rest.slice(0, this.#options.page ?? rest.length);
    const more = page.length < rest.length;
    const next = `</v2/${repository}/tags/list?n=9&last=${page.at(-1)}>; rel="next"`;
    return Response.json({ name: repository, tags: page }, more ? { headers: { link: next } } : {});
  }

  #referrers(url: URL, repository: string, subject: string): Response {
    if (!this.#options.referrers) return problem(404, "NOT_FOUND");
    const all = [...this.manifests].filter(([key]) => key.startsWith(`${repository}@`))
      .map(([key, { mediaType, bytes }]) => {
        const manifest = JSON.parse(new TextDecoder().decode(bytes));
        const { artifactType = manifest.config?.mediaType, annotations } = manifest;
        const digest = key.slice(repository.length + 1);
        const descriptor = { mediaType, digest, size: bytes.length, artifactType, annotations };
        return { subject: manifest.subject?.digest, descriptor };
      })
      .filter((found) => found.subject === subject).map(({ descriptor }) => descriptor);
    const start = Number(url.searchParams.get("start") ?? 0);
    const end = start + (this.#options.page ?? all.length);
    const headers = new Headers({ "content-type": "application/vnd.oci.image.index.v1+json" });
    if (end < all.length) headers.set("link", `<${url.pathname}?start=${end}>; rel="next"`);
    const index = { schemaVersion: 2, manifests: all.slice(start, end) };
    return new Response(JSON.stringify(index), { headers });
  }

  #manifest(
    request: Request,
    repository: string,
    reference: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Response {
    const digest = this.tags.get(`${repository}:${reference}`) ?? reference;
    if (request.method === "PUT") {
      const found = digestOf(bytes);
      const mediaType = request.headers.get("content-type") ?? "";
      this.manifests.set(`${repository}@${found}`, { mediaType, bytes });
      if (!reference.startsWith("sha256:")) this.tags.set(`${repository}:${reference}`, found);
      const subject = JSON.parse(new TextDecoder().decode(bytes)).subject?.digest;
      const headers = new Headers({ "docker-content-digest": found });
      if (subject && this.#options.referrers) headers.set("oci-subject", subject);
      return new Response(null, { status: 201, headers });
    }
    if (request.method === "DELETE") {
      const gone = this.tags.delete(`${repository}:${reference}`) ||
        this.manifests.delete(`${repository}@${reference}`);
      return gone ? new Response(null, { status: 202 }) : problem(404, "MANIFEST_UNKNOWN");
    }
    const manifest = this.manifests.get(`${repository}@${digest}`);
    if (!manifest) return problem(404, "MANIFEST_UNKNOWN");
    return new Response(request.method === "HEAD" ? null : manifest.bytes, {
      headers: {
        "content-type": manifest.mediaType,
        "content-length": `${manifest.bytes.length}`,
        "docker-content-digest": digest,
      },
    });
  }

  #blob(request: Request, key: string): Response {
    const bytes = this.blobs.get(key);
    if (!bytes) return problem(404, "BLOB_UNKNOWN");
    if (request.method === "DELETE") {
      this.blobs.delete(key);
      return new Response(null, { status: 202 });
    }
    const first = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
    const part = bytes.subarray(first);
    const headers = new Headers({ "content-length": `${part.length}` });
    if (first > 0) {
      headers.set("content-range", `bytes ${first}-${bytes.length - 1}/${bytes.length}`);
    }
    const status = first > 0 ? 206 : 200;
    return new Response(request.method === "HEAD" ? null : part, { status, headers });
  }

  #upload(
    request: Request,
    url: URL,
    repository: string,
    rest: string,
    body: Uint8Array<ArrayBuffer>,
  ): Response {
    if (request.method === "POST") {
      const mount = this.blobs.get(
        `${url.searchParams.get("from")}@${url.searchParams.get("mount")}`,
      );
      if (mount && !this.#options.noMount) {
        this.blobs.set(`${repository}@${url.searchParams.get("mount")}`, mount);
        return new Response(null, { status: 201 });
      }
      const session = crypto.randomUUID();
      this.#uploads.set(session, new Uint8Array());
      const { chunkLength } = this.#options;
      return accepted(
        `/v2/${repository}/blobs/uploads/${session}?state=a`,
        chunkLength ? { "oci-chunk-min-length": `${chunkLength}` } : {},
      );
    }
    const session = rest.slice("uploads/".length);
    const before = this.#uploads.get(session);
    if (!before) return problem(404, "BLOB_UPLOAD_UNKNOWN");
    if (request.method === "DELETE") {
      this.#uploads.delete(session);
      return new Response(null, { status: 204 });
    }
    const range = request.headers.get("content-range");
    if (range && Number(range.split("-")[0]) !== before.length) {
      return problem(416, "RANGE_INVALID");
    }
    const bytes = new Uint8Array(before.length + body.length);
    bytes.set(before);
    bytes.set(body, before.length);
    if (request.method === "PATCH") {
      this.#uploads.set(session, bytes);
      return accepted(url.pathname + url.search, { range: `0-${bytes.length - 1}` });
    }
    const digest = url.searchParams.get("digest");
    if (digest !== digestOf(bytes)) return problem(400, "DIGEST_INVALID");
    this.#uploads.delete(session);
    this.blobs.set(`${repository}@${digest}`, bytes);
    return new Response(null, { status: 201 });
  }
}

/** An answer with one error of the specification. */
export function problem(status: number, code: string, headers: HeadersInit = {}): Response {
  return Response.json({ errors: [{ code, message: "as the test wants" }] }, { status, headers });
}

function accepted(location: string, headers: Record<string, string> = {}): Response {
  return new Response(null, { status: 202, headers: { location, ...headers } });
}
