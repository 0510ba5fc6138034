/**
 * Documents as trees of elements, read and written by the XML library.
 *
 * @module
 */

import { XMLBuilder, XMLParser } from "fast-xml-parser";
import { reasonOf, shortened, UpdateError } from "../core/mod.ts";
import { PROTOCOL } from "./codes.ts";
import { MAX_APPS, MAX_DOCUMENT_BYTES, MAX_TEXT_LENGTH } from "./limits.ts";
import { decode, encode, rootOf } from "./_scan.ts";

/** One element. */
export interface Element {
  /** Without its namespace. */
  readonly name: string;
  /** In the order in which they are written. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** What stands between its tags. */
  readonly text: string;
}

/** The library's form of a tree, with `preserveOrder`. */
type Raw = Readonly<Record<string, unknown>>;

const ATTRIBUTES = ":@";
const TEXT = "#text";
const CDATA = "#cdata";
/** Most characters that a message quotes. */
const MAX_SHOWN = 200;

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const FORM = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  // entities are looked at before, and only those that XML itself has are decoded
  processEntities: false,
  cdataPropName: CDATA,
} as const;

/** An element to write; attributes that are undefined and children that are not there are left out. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly (Element | undefined)[] = [],
  text = "",
): Element {
  const present = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const]
  );
  return {
    name,
    attributes: new Map(present),
    children: children.filter((child) => child !== undefined),
    text,
  };
}

/** The first child of that name. */
export function childOf(parent: Element | undefined, name: string): Element | undefined {
  return parent?.children.find((child) => child.name === name);
}

/** All children of that name. */
export function childrenOf(parent: Element | undefined, name: string): readonly Element[] {
  return parent?.children.filter((child) => child.name === name) ?? [];
}

/**
 * What `read` makes of a document's root, which is to be called `name`, and of the applications in it.
 * What follows the root is not looked at.
 *
 * @throws {UpdateError} `verification` where there is none, or `read` throws.
 */
export function readDocument<T>(
  document: string | Uint8Array,
  name: "request" | "response",
  read: (root: Element, apps: readonly Element[]) => T,
): T {
  try {
    if (document.length > MAX_DOCUMENT_BYTES) {
      throw new Error(`more than ${MAX_DOCUMENT_BYTES} bytes`);
    }
    const text = typeof document === "string"
      ? document
      : new TextDecoder("utf-8", { fatal: true }).decode(document);
    const root = parse(rootOf(text.replace(/^\ufeff/, "")));
    if (root.name !== name) throw new Error(`<${name}> was wanted, found <${root.name}>`);
    const protocol = root.attributes.get("protocol");
    if (protocol !== PROTOCOL) {
      throw new Error(`protocol ${PROTOCOL} was wanted, found "${protocol ?? ""}"`);
    }
    const apps = childrenOf(root, "app");
    if (apps.length > MAX_APPS) throw new Error(`more than ${MAX_APPS} applications`);
    return read(root, apps);
  } catch (cause) {
    throw new UpdateError("verification", {
      operation: `reading an Omaha ${name}`,
      found: shortened(reasonOf(cause), MAX_SHOWN),
      advice: `see that both sides speak version ${PROTOCOL} of the protocol`,
      cause,
    });
  }
}

function parse(xml: string): Element {
  const parser = new XMLParser({
    ...FORM,
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    removeNSPrefix: true,
    ignorePiTags: true,
  });
  const [root] = parser.parse(xml, true) as Raw[];
  return fromRaw(root);
}

function fromRaw(raw: Raw): Element {
  const name = Object.keys(raw).find((key) => key !== ATTRIBUTES) ?? "";
  const content = raw[name] as Raw[];
  const attributes = Object.entries(raw[ATTRIBUTES] ?? {}) as [string, string][];
  return {
    name,
    attributes: new Map(attributes.map(([name, value]) => [name, limited(decode(value))])),
    children: content.filter((part) => !(TEXT in part) && !(CDATA in part)).map(fromRaw),
    text: limited(content.map(textOf).join("")),
  };
}

function textOf(part: Raw): string {
  if (TEXT in part) return decode(String(part[TEXT]));
  return CDATA in part ? (part[CDATA] as Raw[]).map((inner) => String(inner[TEXT])).join("") : "";
}

function limited(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  throw new Error(`a text of more than ${MAX_TEXT_LENGTH} characters`);
}

/** The document with that root. Text that cannot stand in XML is a defect of the caller's. */
export function writeDocument(root: Element): string {
  return DECLARATION + new XMLBuilder(FORM).build([toRaw(root)]);
}

function toRaw({ name, attributes, children, text }: Element): Raw {
  const written = [...attributes].map(([name, value]) => [name, encode(value)]);
  return {
    [name]: [...children.map(toRaw), ...text === "" ? [] : [{ [TEXT]: encode(text) }]],
    [ATTRIBUTES]: Object.fromEntries(written),
  };
}
