/**
 * A pod's own account at the API server
 * (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/).
 *
 * @module
 */

import type { Disk } from "../core/mod.ts";
import { type ClusterAccess, readText } from "./cluster_access.ts";

/** Where the kubelet puts the account's files. */
export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Where the API server is, as the kubelet tells a pod in its environment. */
export interface ServiceAddress {
  /** `KUBERNETES_SERVICE_HOST`. */
  readonly host?: string;
  /** `KUBERNETES_SERVICE_PORT`. */
  readonly port?: string;
}

/**
 * The access of the account in `directory`.
 *
 * @throws {Error} where a file or the address is missing.
 */
export async function readServiceAccount(
  disk: Disk,
  { host, port }: ServiceAddress,
  directory: string = SERVICE_ACCOUNT,
): Promise<ClusterAccess> {
  const authority = await readText(disk, `${directory}/ca.crt`, "the service account's");
  const token = await readText(disk, `${directory}/token`, "the service account's");
  const address = host?.includes(":") ? `[${host}]` : host;
  const server = URL.parse(`https://${address}:${port ?? 443}`);
  if (!address || !server) {
    throw new Error("KUBERNETES_SERVICE_HOST does not say where the API server is");
  }
  return { from: `the service account in ${directory}`, server, authority, token: token.trim() };
}
