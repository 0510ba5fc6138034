/**
 * What outlives a restart, in one SQLite file: the nodes, and digests of files.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { reasonOf } from "../core/mod.ts";
import type { DigestStore } from "./digest_book.ts";
import { type Fleet, type FleetNode, NODE_PHASES, type NodePhase } from "./fleet.ts";
import { MAX_DIGESTS, MAX_NODES } from "./limits.ts";
import type { FileDigests } from "./stored_file.ts";

/** The tables' version, in the file's header. */
const SCHEMA = 1;

const TABLES = `
CREATE TABLE IF NOT EXISTS nodes (
  id TEXT PRIMARY KEY, isAddress INTEGER NOT NULL, alias TEXT NOT NULL, version TEXT NOT NULL,
  channel TEXT NOT NULL, architecture TEXT NOT NULL, phase TEXT NOT NULL, since INTEGER NOT NULL,
  target TEXT NOT NULL, errorCode INTEGER NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL,
  firstSeen INTEGER NOT NULL, lastSeen INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS digests (
  path TEXT PRIMARY KEY, stamp TEXT NOT NULL, sha1 TEXT NOT NULL, sha256 TEXT NOT NULL
) STRICT;
PRAGMA user_version = ${SCHEMA};
`;

const COLUMNS = [
  "id",
  "isAddress",
  "alias",
  "version",
  "channel",
  "architecture",
  "phase",
  "since",
  "target",
  "errorCode",
  "address",
  "agent",
  "firstSeen",
  "lastSeen",
] as const satisfies readonly (keyof FleetNode)[];

/** How SQLite, and what is below, say that a file is no good: there is no code for it. */
const CORRUPT = /^file is not a database$|malformed|^no good: /;

/** Milliseconds that another program's write is waited for: nothing else happens here meanwhile. */
const BUSY_MS = 20;

/** A file that was no good, beside the new one. */
const BROKEN_SUFFIX = ".broken";

/** A store that may not be there, and why. */
export interface OpenedStore {
  /** It works; absent where it does not. */
  readonly store?: FleetStore;
  /** What was wrong; there may be a new store all the same. */
  readonly problem?: string;
}

/**
 * The store in a file, made where there is none. A file that is no good is set aside, and a new one is
 * begun. Never throws.
 */
export function openStore(path: string): OpenedStore {
  try {
    return { store: new FleetStore(path) };
  } catch (error) {
    const problem = `${path}: ${reasonOf(error)}`;
    try {
      // one that is locked, or cannot be written, may be a good one
      if (!CORRUPT.test(reasonOf(error))) throw error;
      for (const suffix of ["", "-wal", "-shm"]) {
        renameIfThere(`${path}${suffix}`, `${path}${BROKEN_SUFFIX}${suffix}`);
      }
      const store = new FleetStore(path);
      return { store, problem: `${problem}; it is ${path}${BROKEN_SUFFIX} now, and begun anew` };
    } catch {
      return { problem: `${problem}; nodes are forgotten when this program ends` };
    }
  }
}

/** Nodes and digests in a SQLite file. */
export class FleetStore implements DigestStore, Disposable {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #digests: StatementSync;
  readonly #keep: StatementSync;

  /** Opens the file, or makes it. @throws {Error} where it is no such database, or cannot be written. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: BUSY_MS });
    try {
      this.#prepareFile();
      const names = COLUMNS.join(", ");
      const values = COLUMNS.map(() => "?").join(", ");
      this.#put = this.#database.prepare(
        `INSERT OR REPLACE INTO nodes (${names}) VALUES (${values})`,
      );
      this.#remove = this.#database.prepare("DELETE FROM nodes WHERE id = ?");
      this.#digests = this.#database.prepare(
        "SELECT sha1, sha256 FROM digests WHERE path = ? AND stamp = ?",
      );
      this.#keep = this.#database.prepare(
        "INSERT OR REPLACE INTO digests (path, stamp, sha1, sha256) VALUES (?, ?, ?, ?)",
      );
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** The nodes that were kept; what is no node is left out. */
  nodes(): FleetNode[] {
    const rows = this.#database
      .prepare(`SELECT * FROM nodes ORDER BY lastSeen DESC LIMIT ${MAX_NODES}`).all();
    return rows.map((row) => ({ ...row, isAddress: row.isAddress === 1 }) as FleetNode)
      .filter(({ phase }) => NODE_PHASES.includes(phase as NodePhase));
  }

  /** Keeps what has changed. @throws {Error} where that cannot be written; it is tried again the next time. */
  save(fleet: Fleet): void {
    fleet.saveTo((ids, all) =>
      this.#atOnce(() => {
        if (all) this.#database.exec("DELETE FROM nodes");
        for (const id of ids) {
          const node = fleet.get(id);
          if (node) this.#put.run(...COLUMNS.map((name) => columnOf(node[name])));
          else this.#remove.run(id);
        }
      })
    );
  }

  /** As {@linkcode DigestStore} has it. */
  digestsOf(path: string, stamp: string): FileDigests | undefined {
    try {
      return this.#digests.get(path, stamp) as FileDigests | undefined;
    } catch {
      // it is computed again
      return undefined;
    }
  }

  /** As {@linkcode DigestStore} has it. */
  keepDigests(path: string, stamp: string, { sha1, sha256 }: FileDigests): void {
    try {
      const { lastInsertRowid } = this.#keep.run(path, stamp, sha1, sha256);
      this.#database.prepare("DELETE FROM digests WHERE rowid <= ?")
        .run(Number(lastInsertRowid) - MAX_DIGESTS);
    } catch {
      // it is computed again after the next start
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#database.close();
  }

  #prepareFile(): void {
    // a power cut costs the last second at most, and never the file
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    const [check] = Object.values(this.#database.prepare("PRAGMA quick_check(1)").get() ?? {});
    if (check !== "ok") throw new Error(`no good: ${check}`);
    const version = this.#database.prepare("PRAGMA user_version").get()?.user_version;
    if (version !== 0 && version !== SCHEMA) {
      throw new Error(`no good: a database of version ${version}, where ${SCHEMA} was wanted`);
    }
    this.#database.exec(TABLES);
  }

  #atOnce(write: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      write();
      this.#database.exec("COMMIT");
    } catch (error) {
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // SQLite has done that itself, where the disk is full; what was wrong is the first error
      }
      throw error;
    }
  }
}

function columnOf(value: string | number | boolean): string | number {
  return typeof value === "boolean" ? Number(value) : value;
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
