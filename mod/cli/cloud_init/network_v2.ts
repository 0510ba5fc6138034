/**
 * Version 2 of network-config: netplan's.
 *
 * @module
 */

import { NetworkDraft } from "./network_draft.ts";
import type { NodeNetwork } from "./node_network.ts";
import type { YamlEntry, YamlText } from "./yaml_text.ts";

/** What a network of one wired interface means anyway. */
const NEEDS_NO_WORD = ["renderer", "optional", "set-name", "wakeonlan", "critical"];

/** Ways of saying that a route leads to everything. */
const DEFAULT_ROUTE = ["default", "0.0.0.0/0", "::/0"];

/** What the document says of its first ethernet. */
export function ethernetsIn(
  yaml: YamlText,
  entries: readonly YamlEntry[],
): NodeNetwork | undefined {
  let network: NodeNetwork | undefined;
  for (const { word, line, value } of entries) {
    if (word === "ethernets") {
      const [first, ...others] = yaml.entries(value, word, line);
      for (const other of others) {
        yaml.warn(other.line, `${other.word}: counts for nothing: the node sets up one interface`);
      }
      if (first) network = ethernet(yaml, first);
    } else if (!NEEDS_NO_WORD.includes(word)) yaml.warn(line, `${word}: counts for nothing here`);
  }
  return network;
}

function ethernet(yaml: YamlText, { word: id, line: begin, value }: YamlEntry) {
  const draft = new NetworkDraft(yaml);
  const entries = yaml.entries(value, id, begin);
  for (const { word, line, value } of entries) {
    switch (word) {
      case "match":
        match(yaml, draft, yaml.entries(value, word, line));
        break;
      case "dhcp4":
        if (truth(yaml, word, line, value)) draft.dhcp(line);
        break;
      case "dhcp6":
        if (truth(yaml, word, line, value)) yaml.warn(line, "dhcp6: counts for nothing here");
        break;
      case "addresses":
        for (const item of yaml.items(value)) addAddress(yaml, draft, item);
        break;
      case "gateway4":
      case "gateway6":
        draft.gateway(yaml.scalar(value) ?? "", line);
        break;
      case "routes":
        for (const route of yaml.items(value)) addRoute(yaml, draft, route);
        break;
      case "nameservers":
        addNameservers(yaml, draft, yaml.entries(value, word, line));
        break;
      default:
        if (!NEEDS_NO_WORD.includes(word)) yaml.warn(line, `${word}: counts for nothing here`);
    }
  }
  // without match it is the interface's own name
  if (!entries.some(({ word }) => word === "match")) draft.name(id, begin);
  return draft.finish(begin);
}

function match(yaml: YamlText, draft: NetworkDraft, entries: readonly YamlEntry[]): void {
  for (const { word, line, value } of entries) {
    const text = yaml.scalar(value) ?? "";
    if (word === "macaddress") draft.hardware(text, line);
    else if (word === "name") draft.name(text, line);
    else yaml.warn(line, `${word}: counts for nothing here`);
  }
}

function addAddress(yaml: YamlText, draft: NetworkDraft, item: unknown): void {
  const line = yaml.lineOf(item);
  const text = yaml.scalar(item);
  // one with options is a mapping of one line
  const [options] = text === undefined ? yaml.entries(item, "an address", line) : [];
  draft.address(text ?? options?.word ?? "", line);
}

function addNameservers(
  yaml: YamlText,
  draft: NetworkDraft,
  entries: readonly YamlEntry[],
): void {
  for (const { word, line, value } of entries) {
    if (word !== "addresses") {
      yaml.warn(line, `${word}: counts for nothing here`);
      continue;
    }
    for (const item of yaml.items(value)) {
      draft.nameserver(yaml.scalar(item) ?? "", yaml.lineOf(item));
    }
  }
}

/** The default route is the gateway; the node has no others. */
function addRoute(yaml: YamlText, draft: NetworkDraft, route: unknown): void {
  const line = yaml.lineOf(route);
  const entries = yaml.entries(route, "a route", line);
  const of = (name: string) => yaml.scalar(entries.find(({ word }) => word === name)?.value) ?? "";
  if (DEFAULT_ROUTE.includes(of("to"))) draft.gateway(of("via"), line);
  else yaml.warn(line, `the route to ${of("to") || "nowhere"}: counts for nothing here`);
}

function truth(yaml: YamlText, word: string, line: number, value: unknown): boolean {
  const text = (yaml.scalar(value) ?? "").toLowerCase();
  if (["true", "yes", "on"].includes(text)) return true;
  if (["false", "no", "off"].includes(text)) return false;
  throw yaml.refuse(line, `${word} is neither true nor false`, "write one of them");
}
