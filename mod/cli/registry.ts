/**
 * The source behind `--registry`.
 *
 * @module
 */

import { reasonOf, type Trust, UpdateError, type UpdateSource } from "../core/mod.ts";
import type { Tls } from "../http/mod.ts";
import { OciSource } from "../oci/mod.ts";
import {
  formatReference,
  loadCredentials,
  parseReference,
  type Reference,
  RegistryClient,
  Repository,
} from "../oras/mod.ts";

/** Where the agent finds credentials: the one place of them that it may read. */
const REGISTRY_AUTH = "/etc/kubesolo/registry-auth.json";

const DEFAULT_TAG = "stable";

/**
 * The source of releases in a repository.
 *
 * @throws {UpdateError} `usage` where the name is none, or the credentials cannot be read.
 */
export async function openRegistry(
  name: string,
  options: {
    readonly tag?: string;
    readonly plainHttp: boolean;
    readonly tls?: Tls;
    readonly headersSeconds: number;
    readonly trust?: Trust;
  },
): Promise<UpdateSource> {
  const given = readReference(name);
  const tag = options.tag ?? given.tag ?? DEFAULT_TAG;
  const reference = given.digest ? given : { ...given, tag };
  const credentials = await loadCredentials([REGISTRY_AUTH]).catch((error) => {
    throw unusable(error, "make it what `podman login` writes, or remove it");
  });
  const client = new RegistryClient({
    plainHttp: options.plainHttp,
    headersSeconds: options.headersSeconds,
    credentials,
    httpClient: options.tls && Deno.createHttpClient(options.tls),
    userAgent: "kubesolo-update",
  });
  return new OciSource({
    name: formatReference(reference),
    target: new Repository(reference, client),
    reference: given.digest ?? tag,
    architecture: Deno.build.arch,
    trust: options.trust,
  });
}

/**
 * The repository that is meant.
 *
 * @throws {UpdateError} `usage` where the name is none.
 */
export function readReference(name: string): Reference {
  try {
    return parseReference(name);
  } catch (error) {
    throw unusable(error, "write it as http://host/path, or as host/repository of a registry");
  }
}

function unusable(error: unknown, advice: string): UpdateError {
  return new UpdateError("usage", {
    operation: "choosing a source",
    found: reasonOf(error),
    advice,
    cause: error,
  });
}
