/**
 * One request after the other to a registry of a test, as a client with or without credentials.
 *
 * @module
 */

import {
  CredentialFile,
  RegistryClient,
  type RegistryClientOptions,
  type RegistryRequest,
} from "../../mod/oras/mod.ts";

/** Who the client is where somebody asks. */
export const LOGIN = { username: "jo", password: "se:cret" };

/** {@linkcode LOGIN} for one host; `entry` is what else its file says of it. */
export function credentialsFor(host: string, entry: Record<string, string> = {}): CredentialFile {
  const auth = btoa(`${LOGIN.username}:${LOGIN.password}`);
  return new CredentialFile(JSON.stringify({ auths: { [host]: { auth, ...entry } } }), "auth.json");
}

/** A client that speaks plain http, and does not really wait between tries. */
export function clientOf(options: RegistryClientOptions = {}): RegistryClient {
  return new RegistryClient({ plainHttp: true, sleep: () => Promise.resolve(), ...options });
}

/** The status of the answer to a request for tags. */
export async function ask(
  client: RegistryClient,
  registry: string,
  changes: Partial<RegistryRequest> = {},
): Promise<number> {
  const { response } = await client.send({
    registry,
    repository: "os",
    method: "GET",
    at: "tags/list",
    actions: ["pull"],
    wanted: [200],
    action: "testing",
    ...changes,
  });
  await response.body?.cancel();
  return response.status;
}

/** The host and the port of a URL. */
export function hostOf(url: string): string {
  return new URL(url).host;
}
