/**
 * The source behind `--registry`.
 *
 * @module
 */

import { reasonOf, UpdateError, type UpdateSource } from "../core/mod.ts";
import { OciSource } from "../oci/mod.ts";
import {
  formatReference,
  loadCredentials,
  parseReference,
  RegistryClient,
  Repository,
} from "../oras/mod.ts";

/** Where the agent finds credentials: the one place of them that it may read. */
export const REGISTRY_AUTH = "/etc/kubesolo/registry-auth.json";

const DEFAULT_TAG = "stable";

/**
 * The source of releases in a repository.
 *
 * @throws {UpdateError} `usage` where the name is none, or the credentials cannot be read.
 */
export async function openRegistry(
  name: string,
  options: { readonly tag?: string; readonly plainHttp: boolean },
): Promise<UpdateSource> {
  try {
    const given = parseReference(name);
    const tag = given.digest ? given.tag : options.tag ?? given.tag ?? DEFAULT_TAG;
    const reference = { ...given, tag };
    const client = new RegistryClient({
      plainHttp: options.plainHttp,
      credentials: await loadCredentials([REGISTRY_AUTH]),
      userAgent: "kubesolo-update",
    });
    return new OciSource({
      name: formatReference(reference),
      target: new Repository(reference, client),
      reference: reference.digest ?? tag ?? DEFAULT_TAG,
      architecture: Deno.build.arch,
    });
  } catch (error) {
    throw new UpdateError("usage", {
      operation: "choosing a source",
      found: reasonOf(error),
      advice: "write it as host/repository, and see /etc/kubesolo/registry-auth.json",
      cause: error,
    });
  }
}
