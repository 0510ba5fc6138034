/**
 * What a node remembers of its Omaha server: who it is there, and what the server has not heard yet.
 *
 * @module
 */

import {
  type Disk,
  isMoment,
  readSmall,
  reasonOf,
  replaceFile,
  type Reporter,
} from "../core/mod.ts";
import { MAX_EVENTS } from "./limits.ts";
import type { OmahaEventRequest } from "./request.ts";

/** Most bytes of the file that are read. */
export const MAX_NOTES_BYTES: number = 512 << 10;

/** Something that happened. */
export interface KeptEvent extends OmahaEventRequest {
  /** The version that ran then. */
  readonly version?: string;
}

/** An update that was begun, and has not ended. */
export interface KeptUpdate {
  /** `sessionid` of all requests that belong to it. */
  readonly session: string;
  /** The version that ran when it began. */
  readonly from?: string;
  /** The version that it leads to. */
  readonly to?: string;
  /** The answer that offered it: nebraska gives it once. */
  readonly grant?: string;
  /** SHA-1 of what is to be fetched. */
  readonly payload?: string;
}

/** Something that could not be fetched. */
export interface Backoff {
  /** SHA-1 of it. */
  readonly payload: string;
  /** How often. */
  readonly failures: number;
  /** When it is tried again, RFC 3339. */
  readonly until: string;
}

/** The file's contents. */
export interface Notes {
  /** `machineid`: 32 hexadecimal digits, made up once. */
  readonly machine_id: string;
  /** What the server has not heard yet, oldest first. */
  readonly events: readonly KeptEvent[];
  /** The update on its way. */
  readonly update?: KeptUpdate;
  /** When the server wants to be asked again, RFC 3339. */
  readonly ask_after?: string;
  /** What could not be fetched. */
  readonly backoff?: Backoff;
}

/**
 * The notes in a file on the data partition: they outlive reboots and slots. Reading and writing never
 * throw: a node whose notes cannot be kept is updated all the same, and says so.
 */
export class NoteFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #reporter: Reporter;
  #notes?: Notes;

  /** Nothing is read yet. Its directory is made when it is first written. */
  constructor(disk: Disk, path: string, reporter: Reporter) {
    this.#disk = disk;
    this.#path = path;
    this.#reporter = reporter;
  }

  /** The notes; where there are none, or they are not what the agent writes, new ones, which are kept. */
  async read(): Promise<Notes> {
    this.#notes ??= await this.#load();
    if (this.#notes) return this.#notes;
    const machine_id = crypto.randomUUID().replaceAll("-", "");
    return await this.#keep({ machine_id, events: [] });
  }

  /** Changes some of them; resolves when that is durable, or it was said that it cannot be. */
  async change(changes: Partial<Notes>): Promise<void> {
    const before = await this.read();
    const events = (changes.events ?? before.events).slice(-MAX_EVENTS);
    const notes = { ...before, ...changes, events };
    // a node that asks every minute, and hears nothing new, writes nothing
    if (JSON.stringify(notes) !== JSON.stringify(before)) await this.#keep(notes);
  }

  async #keep(notes: Notes): Promise<Notes> {
    this.#notes = notes;
    try {
      await this.#disk.makeDirectory(this.#path.slice(0, this.#path.lastIndexOf("/")));
      const text = `${JSON.stringify(notes, null, 2)}\n`;
      await replaceFile(this.#disk, this.#path, new TextEncoder().encode(text));
    } catch (error) {
      this.#warn(`${this.#path} cannot be written, and is forgotten: ${reasonOf(error)}`);
    }
    return notes;
  }

  async #load(): Promise<Notes | undefined> {
    try {
      if (await this.#disk.size(this.#path) === undefined) return undefined;
      const bytes = await readSmall(this.#disk, this.#path, MAX_NOTES_BYTES);
      if (!bytes) throw new Error(`more than ${MAX_NOTES_BYTES} bytes`);
      return parseNotes(new TextDecoder().decode(bytes));
    } catch (error) {
      this.#warn(
        `${this.#path} cannot be used (${reasonOf(error)}): the server sees a new machine`,
      );
    }
  }

  #warn(message: string): void {
    this.#reporter.report({ kind: "warning", message });
  }
}

/**
 * The notes in a text.
 *
 * @throws {Error} where it is not what the agent writes.
 */
export function parseNotes(text: string): Notes {
  const value: unknown = JSON.parse(text);
  const { machine_id, events, update, ask_after, backoff } = objectOf(value, "the notes");
  need(typeof machine_id === "string" && /^[0-9a-f]{32}$/.test(machine_id), "machine_id");
  need(Array.isArray(events), "events");
  for (const event of events as unknown[]) {
    for (const [name, member] of Object.entries(objectOf(event, "events"))) {
      const isText = ["version", "nextversion", "previousversion"].includes(name);
      need(isText ? typeof member === "string" : Number.isSafeInteger(member), `events.${name}`);
    }
  }
  if (update !== undefined) {
    const { session, ...texts } = objectOf(update, "update");
    need(typeof session === "string", "update.session");
    for (const [name, member] of Object.entries(texts)) {
      need(typeof member === "string", `update.${name}`);
    }
  }
  need(
    ask_after === undefined || typeof ask_after === "string" && isMoment(ask_after),
    "ask_after",
  );
  if (backoff !== undefined) {
    const { payload, failures, until } = objectOf(backoff, "backoff");
    need(typeof payload === "string", "backoff.payload");
    need(Number.isSafeInteger(failures) && Number(failures) > 0, "backoff.failures");
    need(typeof until === "string" && isMoment(until), "backoff.until");
  }
  return value as Notes;
}

function objectOf(value: unknown, name: string): Record<string, unknown> {
  need(typeof value === "object" && value !== null && !Array.isArray(value), name);
  return value as Record<string, unknown>;
}

function need(holds: boolean, name: string): void {
  if (!holds) throw new Error(`${name} is not what the agent writes`);
}
