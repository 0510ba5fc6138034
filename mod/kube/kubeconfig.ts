/**
 * kubeconfig files: the current context's cluster and user, as far as a program without plug-ins goes
 * (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/).
 *
 * @module
 */

import { dirname, resolve } from "@std/path";
import { type Disk, reasonOf } from "../core/mod.ts";
import { type ClusterAccess, readText } from "./cluster_access.ts";

/** Where KubeSolo writes its own. */
export const KUBESOLO_KUBECONFIG = "/var/lib/kubesolo/pki/admin/admin.kubeconfig";

/** What cannot be done for a cluster, and why. */
const REFUSED_OF_CLUSTER: Readonly<Record<string, string>> = {
  "insecure-skip-tls-verify": "a server that is not verified proves nothing",
  "tls-server-name": "the certificate is compared to the address alone",
  "proxy-url": "the node's own API server is asked directly",
};

/** What cannot be done for a user, and why. */
const REFUSED_OF_USER: Readonly<Record<string, string>> = {
  exec: "this program runs no plug-ins for credentials",
  "auth-provider": "this program has no plug-ins for credentials",
  username: "API servers take no passwords any more",
  as: "this program asks for itself alone",
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * What a kubeconfig says of its current context. Files that it names are read, relative to it.
 *
 * @throws {Error} that says which file or member it is about; nothing of a key or a token is in it.
 */
export async function readKubeconfig(disk: Disk, path: string): Promise<ClusterAccess> {
  const text = await readText(disk, path, "kubeconfig");
  const config = fieldsOf(await parseYaml(path, text), `kubeconfig ${path}`);
  const name = stringOf(config, "current-context");
  if (name === undefined) throw new Error(`kubeconfig ${path} has no current-context`);
  const context = entryOf(config, path, "context", name);
  const clusterName = stringOf(context, "cluster") ?? "";
  const userName = stringOf(context, "user") ?? "";
  const cluster = entryOf(config, path, "cluster", clusterName);
  const user = entryOf(config, path, "user", userName);
  refuse(cluster, REFUSED_OF_CLUSTER, `kubeconfig ${path}, cluster "${clusterName}"`);
  refuse(user, REFUSED_OF_USER, `kubeconfig ${path}, user "${userName}"`);

  const server = URL.parse(stringOf(cluster, "server") ?? "");
  if (server?.protocol !== "https:") {
    throw new Error(`kubeconfig ${path}: the server of "${clusterName}" is no https URL`);
  }
  const pem = (fields: Fields, member: string) => dataOrFile(disk, path, fields, member);
  const certificate = await pem(user, "client-certificate");
  const key = await pem(user, "client-key");
  if ((certificate === undefined) !== (key === undefined)) {
    const lacking = certificate === undefined ? "certificate" : "key";
    throw new Error(`kubeconfig ${path}, user "${userName}": no client-${lacking}`);
  }
  const tokenFile = stringOf(user, "tokenFile");
  const token = tokenFile === undefined
    ? stringOf(user, "token")
    : await readText(disk, resolve(dirname(path), tokenFile), `tokenFile of kubeconfig ${path}:`);
  return {
    from: path,
    server,
    authority: await pem(cluster, "certificate-authority"),
    client: certificate && key ? { certificate, key } : undefined,
    token: token?.trim(),
  };
}

async function parseYaml(path: string, text: string): Promise<unknown> {
  const { parse } = await import("yaml");
  try {
    // pretty errors quote the line, and with it what may be a key
    return parse(text, { prettyErrors: false, logLevel: "error" });
  } catch (error) {
    throw new Error(`kubeconfig ${path} is no YAML: ${reasonOf(error)}`, { cause: error });
  }
}

/** The entry of a list of named ones: `clusters`, `contexts`, `users`. */
function entryOf(config: Fields, path: string, kind: string, name: string): Fields {
  const list = config[`${kind}s`];
  const found = (Array.isArray(list) ? list : []).find((one) => one?.name === name);
  if (!found) throw new Error(`kubeconfig ${path} has no ${kind} "${name}"`);
  return fieldsOf(found[kind], `kubeconfig ${path}, ${kind} "${name}"`);
}

function refuse(fields: Fields, reasons: Readonly<Record<string, string>>, where: string): void {
  for (const [member, reason] of Object.entries(reasons)) {
    if (fields[member]) throw new Error(`${where} has ${member}: ${reason}`);
  }
}

/** `member-data` in base64, else the file that `member` names. */
async function dataOrFile(
  disk: Disk,
  path: string,
  fields: Fields,
  member: string,
): Promise<string | undefined> {
  const data = stringOf(fields, `${member}-data`);
  if (data !== undefined) {
    try {
      return atob(data);
    } catch {
      throw new Error(`kubeconfig ${path}: ${member}-data is no base64`);
    }
  }
  const file = stringOf(fields, member);
  if (file === undefined) return undefined;
  return await readText(disk, resolve(dirname(path), file), `${member} of kubeconfig ${path}:`);
}

function stringOf(fields: Fields, member: string): string | undefined {
  const value = fields[member];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error(`${what} holds no members`);
}
