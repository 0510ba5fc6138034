/**
 * The documents that a node is provisioned with: looked at as the node will, and completed.
 *
 * @module
 */

import { type Disk, UpdateError } from "../../mod/core/mod.ts";
import { MAX_CLOUD_CONFIG_BYTES } from "../../mod/cli/cloud_init/cloud_config.ts";
import { type NodeDocument, readNodeDocuments } from "../../mod/cli/cloud_init/node_documents.ts";
import { whereOf } from "../../mod/cli/read_settings.ts";
import { problemOf } from "../../mod/cli/report_settings.ts";
import type { SettingName } from "../../mod/cli/settings.ts";
import { mergeUserData } from "./merge_user_data.ts";
import { publicKeysOf } from "./public_keys.ts";
import { readText } from "./read_text.ts";

/** What the command line says of a node. */
export interface Wishes {
  /** The person's cloud-config. */
  readonly cloudInit: string;
  readonly hostname?: string;
  /** Public keys, or files of them. */
  readonly sshKeys: readonly string[];
  /** cloud-init's network-config. */
  readonly networkConfig?: string;
  /** A script that the node runs at the end of each boot. */
  readonly onBoot?: string;
}

/** A document that goes onto the data partition. */
export interface PlacedDocument {
  /** From the top of the data partition, without a slash before it. */
  readonly path: string;
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

/** What a node is provisioned with. */
export interface Provisions {
  readonly documents: readonly PlacedDocument[];
  /** The node's name, where anything gives it one. */
  readonly hostname?: string;
  /** Another one each time: cloud-init takes the node for a new machine. */
  readonly instanceId: string;
  /** What counts for nothing on a node, with file and line. */
  readonly warnings: readonly string[];
}

const NO_KEY_FILE = "names a file, which the node does not have yet; give the key itself, " +
  "or the node will make nothing of the updates: block";

/** Settings that are names of files. */
const FILE_SETTINGS: readonly SettingName[] = ["caFile", "clientCert", "clientKey"];

const NO_FILE = "names a file, which the node does not have yet; it has to lie in /etc/kubesolo " +
  "before the node asks for updates";

/** Where the node's init, and cloud-init's NoCloud, look on the data partition. */
const PLACES = {
  cloudConfig: "etc-kubesolo/cloud-config.yaml",
  userData: "cloud/seed/nocloud/user-data",
  metaData: "cloud/seed/nocloud/meta-data",
  networkConfig: "cloud/seed/nocloud/network-config",
  onBoot: "etc-kubesolo/on-boot",
} as const;

/** Documents may hold tokens: they are root's alone. */
const DOCUMENT_MODE = 0o600;

const SCRIPT_MODE = 0o755;

/**
 * Reads what the command line names, and makes the documents of it.
 *
 * @throws {UpdateError} `usage`, naming file and line, where one of them is no good.
 */
export async function prepareDocuments(disk: Disk, wishes: Wishes): Promise<Provisions> {
  const { cloudInit, networkConfig, onBoot } = wishes;
  const original = await readDocument(disk, "--cloud-init", cloudInit);
  const network = networkConfig === undefined
    ? undefined
    : await readDocument(disk, "--network-config", networkConfig);
  const read = readNodeDocuments({ userData: original, networkConfig: network });
  const warnings = [...read.warnings];
  for (const given of read.updates?.value ?? []) {
    if (given.name === "pubkey" && namesFiles(given.text)) {
      warnings.push(`${whereOf(given)}: ${NO_KEY_FILE}`);
      continue;
    }
    if (FILE_SETTINGS.includes(given.name)) warnings.push(`${whereOf(given)}: ${NO_FILE}`);
    const problem = await problemOf(disk, given);
    if (problem) throw problem;
  }
  const hostname = wishes.hostname === undefined ? undefined : checkedHostname(wishes.hostname);
  const keys = (await Promise.all(wishes.sshKeys.map((given) => publicKeysOf(disk, given)))).flat();
  const userData = mergeUserData(original.text, original.file, { hostname, keys });
  mustBeReadable(userData, `${original.file} with --hostname and --ssh-key`);
  const name = hostname ?? read.hostname?.value;
  const instanceId = `iid-${crypto.randomUUID()}`;
  const script = onBoot === undefined ? undefined : await readScript(disk, onBoot);
  const lines = [`instance-id: ${instanceId}`, ...name ? [`local-hostname: ${name}`] : [], ""];
  return {
    documents: [
      ...[
        { path: PLACES.cloudConfig, text: userData },
        { path: PLACES.userData, text: userData },
        { path: PLACES.metaData, text: lines.join("\n") },
        ...network ? [{ path: PLACES.networkConfig, text: network.text }] : [],
      ].map((document) => ({ ...document, mode: DOCUMENT_MODE })),
      ...script ? [{ path: PLACES.onBoot, text: script, mode: SCRIPT_MODE }] : [],
    ],
    hostname: name,
    instanceId,
    warnings,
  };
}

async function readDocument(disk: Disk, flag: string, path: string): Promise<NodeDocument> {
  const text = await readText(disk, flag, path, MAX_CLOUD_CONFIG_BYTES);
  return { file: path, text };
}

/** What was added may be too much together, as more keys than a node takes. */
function mustBeReadable(userData: string, file: string): void {
  readNodeDocuments({ userData: { text: userData, file } });
  const { length } = new TextEncoder().encode(userData);
  if (length <= MAX_CLOUD_CONFIG_BYTES) return;
  throw new UpdateError("usage", {
    operation: `reading ${file}`,
    found: `${length} bytes, where a node reads ${MAX_CLOUD_CONFIG_BYTES}`,
    advice: "give fewer keys, or a shorter document",
  });
}

async function readScript(disk: Disk, path: string): Promise<string> {
  const text = await readText(disk, "--on-boot", path, MAX_CLOUD_CONFIG_BYTES);
  const operation = `reading --on-boot ${path}`;
  if (!text.startsWith("#!")) {
    throw new UpdateError("usage", {
      operation,
      found: "no #! in the first line",
      advice: "give a script, such as one that begins with #!/bin/sh",
    });
  }
  // the kernel would look for a program whose name ends so
  if (!text.split("\n", 1)[0].includes("\r")) return text;
  throw new UpdateError("usage", {
    operation,
    found: "line ends of Windows (CR LF)",
    advice: "save it with those of Unix (LF), or the node cannot start it",
  });
}

/** Whether one of the keys is a path, which means one on the node. */
function namesFiles(pubkey: string): boolean {
  return pubkey.split(",").some((key) => key.trim().startsWith("/"));
}

/** The name as the node takes it. */
function checkedHostname(name: string): string {
  const text = `local-hostname: ${JSON.stringify(name)}\n`;
  const { hostname } = readNodeDocuments({ metaData: { file: "--hostname", text } });
  if (hostname) return hostname.value;
  throw new UpdateError("usage", {
    operation: "reading --hostname",
    found: "nothing",
    advice: "give a name, or leave it out",
  });
}
