/**
 * Version 1 of network-config: cloud-init's own.
 *
 * @module
 */

import { NetworkDraft } from "./network_draft.ts";
import type { NodeNetwork } from "./node_network.ts";
import type { YamlEntry, YamlText } from "./yaml_text.ts";

/** What a network of one wired interface means anyway. */
const NEEDS_NO_WORD = ["type", "name", "control"];

/** What the document says of its first physical interface, and of name servers. */
export function configIn(yaml: YamlText, entries: readonly YamlEntry[]): NodeNetwork | undefined {
  const draft = new NetworkDraft(yaml);
  let first: number | undefined;
  for (const { word, line, value } of entries) {
    if (word !== "config") {
      yaml.warn(line, `${word}: counts for nothing here`);
      continue;
    }
    for (const item of yaml.items(value)) {
      const begin = yaml.lineOf(item);
      const parts = yaml.entries(item, word, line);
      const type = textOf(yaml, parts, "type");
      if (type === "nameserver") nameservers(yaml, draft, parts, "address");
      else if (type !== "physical" || first !== undefined) {
        const what = `${type || "?"} ${textOf(yaml, parts, "name")}`.trim();
        yaml.warn(begin, `${what}: counts for nothing: the node sets up one interface`);
      } else {
        first = begin;
        physical(yaml, draft, parts);
      }
    }
  }
  return first === undefined ? undefined : draft.finish(first);
}

function physical(yaml: YamlText, draft: NetworkDraft, parts: readonly YamlEntry[]): void {
  let subnets = 0;
  for (const { word, line, value } of parts) {
    if (word === "name") draft.name(yaml.scalar(value) ?? "", line);
    else if (word === "mac_address") draft.hardware(yaml.scalar(value) ?? "", line);
    else if (word === "subnets") {
      for (const item of yaml.items(value)) {
        if (subnets++ === 0) subnet(yaml, draft, yaml.entries(item, word, line));
        else yaml.warn(yaml.lineOf(item), "counts for nothing: it is the second subnet");
      }
    } else if (!NEEDS_NO_WORD.includes(word)) yaml.warn(line, `${word}: counts for nothing here`);
  }
}

function subnet(yaml: YamlText, draft: NetworkDraft, parts: readonly YamlEntry[]): void {
  const mask = textOf(yaml, parts, "netmask");
  nameservers(yaml, draft, parts, "dns_nameservers");
  for (const { word, line, value } of parts) {
    const text = yaml.scalar(value) ?? "";
    switch (word) {
      case "type":
        if (text === "dhcp" || text === "dhcp4") draft.dhcp(line);
        else if (text !== "static" && text !== "manual") {
          yaml.warn(line, `${text || "type"}: counts for nothing here`);
        }
        break;
      case "address":
        draft.address(text, line, mask);
        break;
      case "gateway":
        draft.gateway(text, line);
        break;
      default:
        if (!["netmask", "dns_nameservers", ...NEEDS_NO_WORD].includes(word)) {
          yaml.warn(line, `${word}: counts for nothing here`);
        }
    }
  }
}

function nameservers(
  yaml: YamlText,
  draft: NetworkDraft,
  parts: readonly YamlEntry[],
  key: string,
): void {
  for (const item of yaml.items(parts.find(({ word }) => word === key)?.value)) {
    draft.nameserver(yaml.scalar(item) ?? "", yaml.lineOf(item));
  }
}

function textOf(yaml: YamlText, parts: readonly YamlEntry[], key: string): string {
  return yaml.scalar(parts.find(({ word }) => word === key)?.value) ?? "";
}
