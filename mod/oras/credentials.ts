/**
 * Credentials as `docker login` and `podman login` leave them (containers-auth.json(5)).
 *
 * @module
 */

import { OrasError } from "./errors.ts";

/** Most bytes of a file of credentials. */
export const MAX_CREDENTIALS_BYTES: number = 1 << 20;

/** What a registry is told about who asks. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** Given to the token server in exchange for tokens (OAuth 2.0's refresh token). */
  | { readonly kind: "identity"; readonly token: string }
  /** Given to the registry as it is. */
  | { readonly kind: "registry"; readonly token: string };

/** Knows what to tell registries. */
export interface CredentialFinder {
  /**
   * What to tell about a repository; undefined where nothing is known.
   * @throws {OrasError} `refused` where only another program knows.
   */
  find(registry: string, repository: string): Credential | undefined;
}

/** An entry of `auths`: null where it is there but says nothing. */
type Entry = Credential | null;

/** The credentials of one file. */
export class CredentialFile implements CredentialFinder {
  #name: string;
  #entries = new Map<string, Entry>();
  #helpers = new Map<string, string>();
  #store?: string;

  /**
   * Reads `text`; `name` is what messages call it.
   * @throws {OrasError} `io` where it is no such file; the message does not show what is in it.
   */
  constructor(text: string, name: string) {
    this.#name = name;
    const root = this.#object(parse(text), "the file");
    const auths = Object.entries(this.#object(root.auths ?? {}, "auths"));
    const entries = auths.map(([key, value]) => [key, this.#entry(key, value)] as const);
    // a key that is a registry and nothing else goes before the URLs that Docker once wrote
    for (const legacy of [false, true]) {
      for (const [key, entry] of entries) {
        if (legacy !== isLegacy(key)) continue;
        const place = placeOf(key);
        if (!this.#entries.has(place)) this.#entries.set(place, entry);
      }
    }
    for (
      const [key, value] of Object.entries(this.#object(root.credHelpers ?? {}, "credHelpers"))
    ) {
      this.#helpers.set(placeOf(key), this.#text(value, "credHelpers"));
    }
    this.#store = this.#text(root.credsStore ?? "", "credsStore") || undefined;
  }

  /**
   * The entry of the longest of `registry/a/b`, `registry/a` and `registry` that has one. Programs that
   * keep credentials are not run: where `credHelpers` names one for the registry, or `credsStore` one for
   * an entry that is empty, which is how Docker marks what it has stored, that is an error.
   * @throws {OrasError} `refused`, naming the helper.
   */
  find(registry: string, repository: string): Credential | undefined {
    let place = `${registry}/${repository}`;
    while (true) {
      const helper = this.#helpers.get(place);
      const entry = this.#entries.get(place);
      if (helper) throw this.#elsewhere(place, helper);
      if (entry) return entry;
      if (entry === null && this.#store) throw this.#elsewhere(place, this.#store);
      const slash = place.lastIndexOf("/");
      if (slash < 0) return undefined;
      place = place.slice(0, slash);
    }
  }

  #elsewhere(place: string, helper: string): OrasError {
    const found = `${this.#name} leaves them to docker-credential-${helper}, which is not run; ` +
      "have them written into the file, such as with podman login --authfile";
    return new OrasError("refused", `looking for the credentials of ${place}`, found);
  }

  #entry(key: string, value: unknown): Entry {
    const fields = this.#object(value, `auths of ${placeOf(key)}`);
    const field = (name: string) => this.#text(fields[name] ?? "", name);
    const [identity, registry] = [field("identitytoken"), field("registrytoken")];
    if (registry) {
      // it becomes part of a header
      if (!/^[\x21-\x7e]+$/.test(registry)) throw this.#wrong("registrytoken: text was wanted");
      return { kind: "registry", token: registry };
    }
    if (identity) return { kind: "identity", token: identity };
    const auth = field("auth");
    if (!auth) {
      const [username, password] = [field("username"), field("password")];
      return username ? { kind: "password", username, password } : null;
    }
    const pair = decoded(auth);
    const colon = pair?.indexOf(":") ?? -1;
    if (pair === undefined || colon < 1) {
      throw this.#wrong(`auth of ${placeOf(key)} is not base64 of user:password`);
    }
    // Docker once padded passwords with zeroes
    const password = pair.slice(colon + 1).replace(/\0+$/, "");
    return { kind: "password", username: pair.slice(0, colon), password };
  }

  #object(value: unknown, what: string): Record<string, unknown> {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    throw this.#wrong(`${what}: a JSON object was wanted`);
  }

  #text(value: unknown, what: string): string {
    if (typeof value === "string") return value;
    throw this.#wrong(`${what}: text was wanted`);
  }

  #wrong(found: string): OrasError {
    return new OrasError("io", `reading credentials from ${this.#name}`, found);
  }
}

/** The first of several that knows anything. */
export function firstOf(finders: readonly CredentialFinder[]): CredentialFinder {
  return {
    find(registry, repository) {
      for (const finder of finders) {
        const credential = finder.find(registry, repository);
        if (credential) return credential;
      }
      return undefined;
    },
  };
}

/**
 * The credentials in those of `paths` that there are, the first of them first. Which paths these are is
 * for the caller to say: usually `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json` and
 * `~/.docker/config.json`.
 *
 * @throws {OrasError} `io` where one of them cannot be read, is no such file, or is larger than
 * {@linkcode MAX_CREDENTIALS_BYTES}.
 */
export async function loadCredentials(paths: readonly string[]): Promise<CredentialFinder> {
  const files: CredentialFile[] = [];
  for (const path of paths) {
    const text = await readBounded(path);
    // podman writes an empty file before it has anything to say
    if (text?.trim()) files.push(new CredentialFile(text, path));
  }
  return firstOf(files);
}

async function readBounded(path: string): Promise<string | undefined> {
  const action = `reading credentials from ${path}`;
  try {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(MAX_CREDENTIALS_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const read = await file.read(buffer.subarray(length));
      if (read === null) break;
      length += read;
    }
    if (length <= MAX_CREDENTIALS_BYTES) {
      return new TextDecoder().decode(buffer.subarray(0, length));
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OrasError("io", action, reason, { cause: error });
  }
  throw new OrasError("io", action, `more than ${MAX_CREDENTIALS_BYTES} bytes`);
}

// the runtime's own complaint would show what is in the file
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decoded(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64.trim()), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function isLegacy(key: string): boolean {
  return /^https?:\/\//i.test(key);
}

/** The registry, or registry and path, that a key of `auths` is for. */
function placeOf(key: string): string {
  const [host, ...path] = key.replace(/^https?:\/\//i, "").split("/");
  const known = ["index.docker.io", "registry-1.docker.io"].includes(host.toLowerCase());
  const registry = known ? "docker.io" : host.toLowerCase();
  // the path of a URL is the API's, not a repository's
  return isLegacy(key) || known ? registry : [registry, ...path.filter(Boolean)].join("/");
}
