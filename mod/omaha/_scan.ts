/**
 * A look at a document before the parser sees it: where its root ends, and whether there is anything
 * in it that only harms.
 *
 * @module
 */

import { MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS } from "./limits.ts";

// at every place exactly one of them begins, so a scan is linear whatever comes
const TEXT = /[^<]+/y;
const COMMENT = /<!--[\s\S]*?-->/y;
const CDATA = /<!\[CDATA\[([\s\S]*?)\]\]>/y;
const INSTRUCTION = /<\?([^\s?]*)([\s\S]*?)\?>/y;
const CLOSING = /<\/[^\s<>]+\s*>/y;
const OPENING = /<[^\s<>/!?"'][^<>"']*(?:(?:"[^"<]*"|'[^'<]*')[^<>"']*)*>/y;

const VALUE = /"[^"]*"|'[^']*'/g;

// XML 1.0, section 2.2
// deno-lint-ignore no-control-regex
const NO_CHARACTER = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,8})|#x([0-9a-fA-F]{1,8}));/g;
const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/**
 * The document's root alone: without what stands before and after it.
 *
 * @throws {Error} where it is cut off, declares another encoding or its own entities, has characters
 * that XML does not have, or more than the limits allow.
 */
export function rootOf(text: string): string {
  if (NO_CHARACTER.test(text)) throw new Error("a control character");
  let [at, depth, elements, attributes, start] = [0, 0, 0, 0, -1];
  const take = (token: RegExp) => {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match) at = token.lastIndex;
    return match;
  };
  while (at < text.length) {
    const from = at;
    let match: RegExpExecArray | null;
    if ((match = take(TEXT))) {
      checkText(match[0]);
    } else if ((match = take(INSTRUCTION))) {
      if (match[1] === "xml") checkDeclaration(match[2]);
    } else if (take(CLOSING)) {
      depth--;
      if (depth === 0) return text.slice(start, at);
    } else if ((match = take(OPENING))) {
      decode(match[0]);
      if (++elements > MAX_ELEMENTS) throw new Error(`more than ${MAX_ELEMENTS} elements`);
      attributes += match[0].match(VALUE)?.length ?? 0;
      if (attributes > MAX_ATTRIBUTES) throw new Error(`more than ${MAX_ATTRIBUTES} attributes`);
      if (start < 0) start = from;
      if (match[0].endsWith("/>")) {
        if (depth === 0) return text.slice(start, at);
      } else if (++depth > MAX_DEPTH) {
        throw new Error(`more than ${MAX_DEPTH} elements inside each other`);
      }
    } else if (!take(COMMENT) && !take(CDATA)) {
      throw new Error(
        text.startsWith("<!", at) ? "a document type or what is none" : "no well-formed XML",
      );
    }
  }
  throw new Error(start < 0 ? "no element" : "an end before the root's");
}

function checkText(text: string): void {
  if (text.includes("]]>")) throw new Error("an end of CDATA without a beginning");
  decode(text);
}

function checkDeclaration(words: string): void {
  const version = /\sversion\s*=\s*["']([^"']*)["']/.exec(words)?.[1];
  const encoding = /\sencoding\s*=\s*["']([^"']*)["']/.exec(words)?.[1];
  if (version && version !== "1.0") throw new Error("XML that is not version 1.0");
  if (encoding && encoding.toLowerCase() !== "utf-8") {
    throw new Error("an encoding other than UTF-8");
  }
}

/**
 * What stands for the five entities of XML and for numbered characters.
 *
 * @throws {Error} where there is any other.
 */
export function decode(text: string): string {
  if (!text.includes("&")) return text;
  const rest = text.replaceAll(REFERENCE, "");
  if (rest.includes("&")) throw new Error("an entity that XML does not have");
  return text.replaceAll(REFERENCE, (_, name?: string, decimal?: string, hex?: string) => {
    if (name) return NAMED[name];
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hex ?? "", 16);
    const valid = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    const character = valid ? String.fromCodePoint(code) : "\0";
    if (NO_CHARACTER.test(character)) throw new Error("a character that XML does not have");
    return character;
  });
}

/**
 * Text as it may stand in an attribute or between elements: line feeds and tabs as numbers, since
 * parsers make blanks of them.
 *
 * @throws {Error} where XML has no such character.
 */
export function encode(text: string): string {
  if (NO_CHARACTER.test(text) || !text.isWellFormed()) {
    throw new Error("a character that XML does not have");
  }
  return text.replaceAll(/[&<>"'\t\r\n]/g, (character) => `&#${character.charCodeAt(0)};`);
}
