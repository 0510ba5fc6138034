/**
 * What the command line adds to a person's cloud-config.
 *
 * @module
 */

import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  parse,
  parseDocument,
  YAMLMap,
  YAMLSeq,
} from "yaml";
import { reasonOf, UpdateError } from "../../mod/core/mod.ts";

/** What is added. */
export interface Additions {
  /** Takes the place of the one that is there. */
  readonly hostname?: string;
  /** Lines of authorized_keys; those that are there stay. */
  readonly keys: readonly string[];
}

const HOSTNAME = "hostname";
const KEYS = "ssh_authorized_keys";

/**
 * The cloud-config with a hostname and keys, comments and all else as they were; the very same text where
 * nothing is added. `text` was found to be a good cloud-config before; `file` names it in messages.
 *
 * @throws {UpdateError} `usage` where this cannot be done without a change to something else.
 */
export function mergeUserData(text: string, file: string, additions: Additions): string {
  const { hostname, keys } = additions;
  if (hostname === undefined && keys.length === 0) return text;
  try {
    return merge(text, file, additions);
  } catch (error) {
    // all of it is read here, and not only what a node makes something of
    throw error instanceof UpdateError ? error : cannot(file, reasonOf(error));
  }
}

function merge(text: string, file: string, { hostname, keys }: Additions): string {
  // every scalar stays the text that it is: 0644 is a number to some readers and not to others
  const document: Document = parseDocument(text, { schema: "failsafe" });
  if (!isMap(document.contents)) document.contents = new YAMLMap();
  if (hostname !== undefined) {
    const there = document.get(HOSTNAME, true);
    // its comment stays
    if (isScalar(there)) there.value = hostname;
    else document.set(HOSTNAME, document.createNode(hostname));
  }
  if (keys.length > 0) addKeys(document, keys, file);
  const merged = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  const header = text.split(/\r?\n/, 1)[0];
  if (merged.startsWith(header) && rest(merged) === rest(text)) return merged;
  throw cannot(file, "something else in the document would change");
}

function addKeys(document: Document, keys: readonly string[], file: string): void {
  const there = document.get(KEYS, true);
  const isEmpty = there === undefined || (isScalar(there) && /^(?:~|null)?$/i.test(String(there)));
  const list = isEmpty ? new YAMLSeq() : there;
  if (!isSeq(list)) throw cannot(file, `${KEYS} is no list`);
  const known = list.items.map(String);
  for (const key of keys.filter((key) => !known.includes(key))) list.add(document.createNode(key));
  document.set(KEYS, list);
}

/** What cloud-init reads in it apart from the two, as it reads it: YAML 1.1. */
function rest(text: string): string {
  const { [HOSTNAME]: _name, [KEYS]: _keys, ...others } = parse(text, { version: "1.1" }) ?? {};
  return JSON.stringify(others);
}

function cannot(file: string, found: string): UpdateError {
  return new UpdateError("usage", {
    operation: `adding --hostname and --ssh-key to ${file}`,
    found,
    advice: `write ${HOSTNAME}: and ${KEYS}: there yourself`,
  });
}
