/**
 * Where releases are published: a repository of a registry, or an image layout.
 *
 * @module
 */

import {
  ImageLayout,
  loadCredentials,
  parseReference,
  RegistryClient,
  Repository,
  type Target,
} from "../../mod/oras/mod.ts";

/** A target, and the tag that its name ended with. */
export interface Destination {
  readonly target: Target;
  readonly tag?: string;
}

/** What the layouts' names begin with, as skopeo has it. */
const LAYOUT_PREFIX = "oci:";

/** Files that may have credentials, in the order in which they are asked. */
function credentialFiles(): string[] {
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, HOME } = Deno.env.toObject();
  return [
    ...REGISTRY_AUTH_FILE ? [REGISTRY_AUTH_FILE] : [],
    ...DOCKER_CONFIG ? [`${DOCKER_CONFIG}/config.json`] : [],
    ...HOME ? [`${HOME}/.docker/config.json`] : [],
    "/etc/kubesolo/registry-auth.json",
  ];
}

/** What the tasks that reach registries have in common. */
export const REGISTRY_OPTIONS = {
  "plain-http": { type: "boolean", default: false },
  "ca-file": { type: "string" },
} as const;

/** How a registry is reached. */
export interface RegistryFlags {
  readonly "plain-http"?: boolean;
  readonly "ca-file"?: string;
}

/**
 * The destination called `host/repository:tag`, or `oci:DIRECTORY:tag`; a layout is made where there is
 * none.
 *
 * @throws {OrasError} where the name is none, or the layout cannot be opened.
 */
export async function openDestination(
  name: string,
  { "plain-http": plainHttp, "ca-file": caFile }: RegistryFlags,
): Promise<Destination> {
  if (name.startsWith(LAYOUT_PREFIX)) {
    const match = /^(.+?)(?::([\w][\w.-]{0,127}))?$/.exec(name.slice(LAYOUT_PREFIX.length));
    const [, directory, tag] = match ?? [];
    return { target: await ImageLayout.create(directory), tag };
  }
  const reference = parseReference(name);
  const client = new RegistryClient({
    plainHttp,
    credentials: await loadCredentials(credentialFiles()),
    ...caFile && {
      httpClient: Deno.createHttpClient({ caCerts: [await Deno.readTextFile(caFile)] }),
    },
  });
  return { target: new Repository(reference, client), tag: reference.tag };
}
