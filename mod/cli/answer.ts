/**
 * What a command is given, and what it leaves to be printed.
 *
 * @module
 */

import type { Command } from "@commander-js/extra-typings";
import { EXIT, type Reporter } from "../core/mod.ts";

/** What a command came to. */
export interface Answer {
  /** Exit status. */
  readonly exit: number;
  /** For people; made when it is printed, so that colours fit the stream. */
  text(): string;
  /** For machines. */
  readonly value: unknown;
  /** Whether machines asked. */
  readonly json: boolean;
  /** What is left to do once it is printed. */
  after?(): Promise<void>;
}

/** What a command needs to become a part of the program. */
export interface Desk {
  /** The program. */
  readonly program: Command;
  /** Hears what happens while a command works. */
  readonly reporter: Reporter;
  /** Takes the outcome, for machines and for people; exit status 0 unless told otherwise. */
  readonly tell: (
    flags: { readonly json?: true },
    value: unknown,
    text: () => string,
    rest?: { readonly exit?: number; readonly after?: () => Promise<void> },
  ) => void;
}

/** {@linkcode Desk.tell} that makes an {@linkcode Answer}. */
export function teller(answered: (answer: Answer) => void): Desk["tell"] {
  return (flags, value, text, rest = {}) =>
    answered({ exit: EXIT.done, ...rest, value, text, json: flags.json === true });
}
