/**
 * A network-config as cloud-init reads it, versions 1 and 2: what it says of the first interface.
 *
 * @module
 */

import type { NodeNetwork } from "./node_network.ts";
import { ethernetsIn } from "./network_v2.ts";
import { configIn } from "./network_v1.ts";
import { YamlText } from "./yaml_text.ts";

/** What a network-config comes to. */
export interface NetworkConfig {
  /** Undefined where it says nothing that this node does. */
  readonly network?: NodeNetwork;
  /** What counts for nothing, with file and line. */
  readonly warnings: readonly string[];
}

/**
 * Reads a network-config, with or without netplan's `network:` round it. `file` names it in messages.
 *
 * @throws {UpdateError} `usage`, naming the line, where it is broken or an address is none.
 */
export function readNetworkConfig(text: string, file: string): NetworkConfig {
  const yaml = new YamlText(text, file);
  const whole = yaml.entries(yaml.root(), "the document", 1);
  if (whole.length === 0) return { warnings: [] };
  const [outer] = whole;
  const entries = outer.word === "network"
    ? yaml.entries(outer.value, outer.word, outer.line)
    : whole;
  const version = yaml.scalar(entries.find(({ word }) => word === "version")?.value);
  const rest = entries.filter(({ word }) => word !== "version");
  if (version === "1") return { network: configIn(yaml, rest), warnings: yaml.warnings };
  if (version === "2") return { network: ethernetsIn(yaml, rest), warnings: yaml.warnings };
  throw yaml.refuse(outer.line, `version ${version || "missing"}`, "give version: 1 or version: 2");
}
