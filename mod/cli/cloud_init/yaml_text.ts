/**
 * YAML, read for its texts.
 *
 * @module
 */

import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type YAMLMap,
} from "yaml";
import { oneLine, reasonOf, UpdateError } from "../../core/mod.ts";

const CHECK = "have it checked by `cloud-init schema`";

/** Warnings that are kept of one document: whoever reads them has to come to an end. */
const MAX_WARNINGS = 20;

/** One line of a mapping. */
export interface YamlEntry {
  /** Its key; `""` for one that is no text. */
  readonly word: string;
  /** Where that is. */
  readonly line: number;
  readonly value: unknown;
}

/**
 * One YAML document whose scalars are texts as they were written: `1.10` is no number, and `yes` is no
 * truth. Aliases are followed one at a time and never expanded, so that none of them can grow.
 */
export class YamlText {
  /** The text, without a byte order mark. */
  readonly text: string;
  /** What counts for nothing, with file and line. */
  readonly warnings: string[] = [];
  #file: string;
  #lines: LineCounter = new LineCounter();
  #document?: Document.Parsed;

  /** `file` names it in messages. Nothing is parsed yet. */
  constructor(text: string, file: string) {
    this.text = text.replace(/^\uFEFF/, "");
    this.#file = file;
  }

  /**
   * The mapping at the top; undefined where there is nothing.
   *
   * @throws {UpdateError} `usage` where the YAML is broken, has duplicate keys, is more than one
   * document, or is no mapping.
   */
  root(): YAMLMap | undefined {
    let documents;
    try {
      documents = parseAllDocuments(this.text, { schema: "failsafe", lineCounter: this.#lines });
    } catch (error) {
      throw this.refuse(1, `YAML that cannot be read: ${reasonOf(error)}`, CHECK);
    }
    const [document, second] = documents;
    if (!document) return undefined;
    if (second) throw this.refuse(this.#lineAt(second.range[0]), "a second document", "give one");
    const [error] = document.errors;
    if (error) {
      const found = error.message.split("\n")[0].replace(/ at line \d+.*$/, "");
      throw this.refuse(error.linePos?.[0].line ?? 1, found, CHECK);
    }
    this.#document = document;
    const root = document.contents;
    if (isMap(root)) return root;
    if (this.scalar(root) === "") return undefined;
    throw this.refuse(this.lineOf(root), "no mapping at the top", CHECK);
  }

  /**
   * What a node stands for.
   *
   * @throws {UpdateError} `usage` where it is an alias of nothing.
   */
  follow(node: unknown): unknown {
    if (!isAlias(node) || !this.#document) return node;
    const meant = node.resolve(this.#document);
    if (meant) return meant;
    throw this.refuse(this.lineOf(node), `*${oneLine(node.source)}, which is nowhere`, CHECK);
  }

  /** The text of a scalar, `""` for one that says nothing (`~`, `null`); undefined for anything else. */
  scalar(node: unknown): string | undefined {
    const scalar = this.follow(node) ?? null;
    if (scalar === null) return "";
    if (!isScalar(scalar)) return undefined;
    const isNothing = scalar.type === "PLAIN" && /^(?:~|null)?$/i.test(scalar.source ?? "");
    return isNothing ? "" : String(scalar.value).trim();
  }

  /**
   * The lines of a mapping, none for one that says nothing. `what` and `line` say where it was wanted.
   *
   * @throws {UpdateError} `usage` where it is anything else.
   */
  entries(node: unknown, what: string, line: number): YamlEntry[] {
    const map = this.follow(node);
    if (this.scalar(map) === "") return [];
    if (!isMap(map)) {
      throw this.refuse(line, `${what}: is no mapping`, "write key: value lines below it");
    }
    return map.items.map(({ key, value }) => ({
      word: oneLine(this.scalar(key) ?? ""),
      line: this.lineOf(key),
      value,
    }));
  }

  /** The items of a list; one value is a list of one, and one that says nothing an empty one. */
  items(node: unknown): readonly unknown[] {
    const list = this.follow(node);
    if (this.scalar(list) === "") return [];
    return isSeq(list) ? list.items : [list];
  }

  /** Something counts for nothing, and whoever wrote it is to know. */
  warn(line: number, message: string): void {
    if (this.warnings.length < MAX_WARNINGS) {
      this.warnings.push(`${this.#file}:${line}: ${message}`);
    } else this.warnings[MAX_WARNINGS] = `${this.#file}: and more`;
  }

  /** Where a node begins. */
  lineOf(node: unknown): number {
    return this.#lineAt(isNode(node) ? node.range?.[0] : undefined);
  }

  /** The complaint about a line. */
  refuse(line: number, found: string, advice: string): UpdateError {
    return new UpdateError("usage", { operation: `reading ${this.#file}:${line}`, found, advice });
  }

  #lineAt(offset = 0): number {
    return this.#lines.linePos(offset).line;
  }
}
