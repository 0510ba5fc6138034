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
  LineCounter,
  parseAllDocuments,
  type YAMLMap,
} from "yaml";
import { oneLine, reasonOf, UpdateError } from "../core/mod.ts";

const CHECK = "have it checked by `cloud-init schema`";

/**
 * One YAML document whose scalars are texts as they were written: `1.10` is no number, and `yes` is no
 * truth. Aliases are followed one at a time and never expanded, so that none of them can grow.
 */
export class YamlText {
  /** The text, without a byte order mark. */
  readonly text: string;
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
