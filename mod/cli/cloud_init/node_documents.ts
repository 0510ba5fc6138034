/**
 * The documents that a machine is provisioned with, read together.
 *
 * @module
 */

import type { Given } from "../read_settings.ts";
import { readCloudConfig } from "./cloud_config.ts";
import { readHostname } from "./hostname.ts";
import { readNetworkConfig } from "./network_config.ts";
import { networkLine } from "./node_network.ts";
import { YamlText } from "./yaml_text.ts";

/** One document. */
export interface NodeDocument {
  /** What messages call it. */
  readonly file: string;
  readonly text: string;
}

/** The documents, as cloud-init's NoCloud names them; any of them may be missing. */
export interface NodeDocuments {
  /** A `#cloud-config`. */
  readonly userData?: NodeDocument;
  readonly metaData?: NodeDocument;
  readonly networkConfig?: NodeDocument;
}

/** What one kind of file is made of. */
export interface Made<T> {
  /** The document. */
  readonly from: string;
  readonly value: T;
}

/** What the documents come to. Undefined is what none of them speaks of. */
export interface NodeSetup {
  readonly updates?: Made<readonly Given[]>;
  /** The node's name: the cloud-config's, else `local-hostname` of the meta-data. */
  readonly hostname?: Made<string>;
  /** See {@linkcode networkLine}. */
  readonly network?: Made<string>;
  /** Lines of authorized_keys. */
  readonly keys?: Made<readonly string[]>;
  /** What counts for nothing, with file and line. */
  readonly warnings: readonly string[];
}

/**
 * Reads the documents.
 *
 * @throws {UpdateError} `usage`, naming file and line, where one of them is no good. Values in the
 * `updates:` block are not looked at yet.
 */
export function readNodeDocuments(documents: NodeDocuments): NodeSetup {
  const { userData, metaData, networkConfig } = documents;
  const config = userData && readCloudConfig(userData.text, userData.file);
  const meta = metaData && readMetaData(metaData);
  const net = networkConfig && readNetworkConfig(networkConfig.text, networkConfig.file);
  const made = <T>(value: T | undefined, { file }: NodeDocument = { file: "", text: "" }) =>
    value === undefined ? undefined : { from: file, value };
  return {
    updates: made(config?.updates, userData),
    hostname: made(config?.hostname, userData) ?? made(meta, metaData),
    network: made(net?.network && networkLine(net.network), networkConfig),
    keys: made(config?.keys, userData),
    warnings: [...config?.warnings ?? [], ...net?.warnings ?? []],
  };
}

/** `local-hostname`; the rest is a cloud's. */
function readMetaData({ text, file }: NodeDocument): string | undefined {
  const yaml = new YamlText(text, file);
  const name = yaml.entries(yaml.root(), "the document", 1)
    .find(({ word }) => word === "local-hostname");
  return name && readHostname(yaml, name);
}
