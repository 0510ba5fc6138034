/**
 * `config apply-cloud-init`: the node's settings, name, network and keys out of the documents that it
 * was provisioned with.
 *
 * @module
 */

import { yellow } from "@std/fmt/colors";
import { type Disk, UpdateError } from "../../core/mod.ts";
import { confLine, DEFAULT_CONF, saysJust } from "../conf_file.ts";
import { type Given, keyOf } from "../read_settings.ts";
import { problemOf } from "../report_settings.ts";
import { readSmallText } from "../small_text.ts";
import { MAX_CLOUD_CONFIG_BYTES } from "./cloud_config.ts";
import { type Outcome, planFile } from "./made_file.ts";
import { type Made, type NodeDocument, readNodeDocuments } from "./node_documents.ts";

/** The cloud-config that counts where no other is named. */
const CLOUD_CONFIG = "/etc/kubesolo/cloud-config.yaml";

/** cloud-init's own place for the documents of a machine without a cloud. */
export const SEED = "/var/lib/cloud/seed/nocloud";

/** Where the node's init finds the node's name, on one line. */
const HOSTNAME_FILE = "/etc/kubesolo/hostname";

/** Where the node's init finds the network, on one line. */
const NETWORK_FILE = "/etc/kubesolo/network";

/** The public keys that may log in. */
const KEYS_FILE = "/etc/kubesolo/authorized_keys";

/** Where the documents are and where update.conf goes. */
export interface Places {
  /** The cloud-config; where absent, {@linkcode CLOUD_CONFIG}, else `user-data` in the seed. */
  readonly from?: string;
  /** Directory of `user-data`, `meta-data` and `network-config`. */
  readonly seed?: string;
  readonly conf?: string;
}

/** What `config apply-cloud-init` did. */
export interface Applied {
  /** update.conf, hostname, network and authorized_keys, and what is in each by now. */
  readonly files: readonly (Outcome & { readonly holds: string })[];
  /** What in the documents counts for nothing, with file and line. */
  readonly warnings: readonly string[];
}

/**
 * Makes the node's files of its documents. A file that no document speaks of stays as it is; what a
 * person wrote is kept as `.bak` ({@linkcode planFile}).
 *
 * After a power cut each file is either the old one or the new one; running it again ends well.
 *
 * @throws {UpdateError} `usage` where anything in the documents is no good, or there are none; then
 * nothing has changed. `slot` where a file cannot be written.
 */
export async function applyCloudInit(
  disk: Disk,
  { from, seed = SEED, conf = DEFAULT_CONF }: Places,
): Promise<Applied> {
  const userData = from === undefined
    ? await findDocument(disk, CLOUD_CONFIG) ?? await findDocument(disk, `${seed}/user-data`)
    : await readDocument(disk, from);
  const metaData = await findDocument(disk, `${seed}/meta-data`);
  const networkConfig = await findDocument(disk, `${seed}/network-config`);
  if (!userData && !metaData && !networkConfig) {
    throw new UpdateError("usage", {
      operation: "looking for the node's documents",
      found: `neither ${CLOUD_CONFIG} nor anything in ${seed}`,
      advice: "give a cloud-config",
    });
  }
  const setup = readNodeDocuments({ userData, metaData, networkConfig });
  for (const one of setup.updates?.value ?? []) {
    const problem = await problemOf(disk, one);
    if (problem) throw problem;
  }
  const { updates, hostname, network, keys } = setup;
  const wanted = [
    {
      ...{ file: conf, from: `the updates: block of ${updates?.from}`, lines: confLines(updates) },
      holds: updates?.value.map(({ name }) => keyOf(name)).join(", "),
    },
    { file: HOSTNAME_FILE, ...listed(hostname), holds: hostname?.value },
    { file: NETWORK_FILE, ...listed(network), holds: network?.value },
    {
      ...{ file: KEYS_FILE, from: keys?.from ?? "", lines: keys?.value },
      holds: keys?.value.length ? `keys: ${keys.value.length}` : "",
    },
  ];
  const plans = await Promise.all(wanted.map((one) => planFile(disk, one)));
  for (const plan of plans) await plan.carryOut();
  return {
    files: plans.map(({ outcome }, at) => ({ ...outcome, holds: wanted[at].holds || "nothing" })),
    warnings: setup.warnings,
  };
}

/** The same for people. */
export function showApplied({ files, warnings }: Applied): string {
  const said = files.flatMap(({ result, file, backup, holds }) => {
    if (result === "left_alone") return [];
    if (result === "unchanged") return [`${file} says the same already`];
    return [`${file} has ${holds}${backup ? `; what was there is now ${backup}` : ""}`];
  });
  return [
    ...said.length ? said : ["no settings, name, network or keys: every file was left alone"],
    ...warnings.map((warning) => `${yellow("warning")}  ${warning}`),
  ].join("\n");
}

function listed(made: Made<string> | undefined) {
  return { from: made?.from ?? "", lines: made && [made.value] };
}

/** The lines of update.conf; whatever is in them, they read back as these settings and no others. */
function confLines(updates: Made<readonly Given[]> | undefined): readonly string[] | undefined {
  if (!updates) return undefined;
  const { value: given, from } = updates;
  const pairs = given.map(({ name, text }) => [keyOf(name), text] as const);
  const lines = pairs.map(([key, value]) => confLine(key, value));
  if (saysJust(lines.join("\n"), pairs)) return lines;
  throw new UpdateError("usage", {
    operation: `reading ${from}`,
    found: "a name or a value that does not fit on a line of update.conf",
    advice: "leave out line breaks",
  });
}

async function findDocument(disk: Disk, file: string): Promise<NodeDocument | undefined> {
  return await disk.size(file) === undefined ? undefined : await readDocument(disk, file);
}

async function readDocument(disk: Disk, file: string): Promise<NodeDocument> {
  const advice = "give the documents of this node";
  return { file, text: await readSmallText(disk, file, MAX_CLOUD_CONFIG_BYTES, advice) };
}
