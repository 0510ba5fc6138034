/**
 * One kind of error for the whole agent: it carries the code that becomes the exit status, and the
 * three things that a person needs: what was being done, what was found, what to do.
 *
 * @module
 */

/** Exit codes of every command. They are a public contract: scripts and units branch on them. */
export const EXIT = {
  /** Done; for `check`: up to date, or withheld. */
  done: 0,
  /** The command line is wrong; nothing was touched. */
  usage: 2,
  /** `check`: an update is available. */
  available: 10,
  /** A gate, or another agent's lock, refused; nothing was touched. */
  refused: 20,
  /** What was received is not what was promised. */
  verification: 30,
  /** The source did not answer, or not to the end. */
  source: 40,
  /** A slot, the boot environment or the state could not be read or written. */
  slot: 50,
  /** A health check said no; `doctor` found a problem. */
  unhealthy: 60,
} as const;

/** Why an operation failed: a key of {@linkcode EXIT} other than the two that mean success. */
export type ErrorCode = Exclude<keyof typeof EXIT, "done" | "available">;

/** What an {@linkcode UpdateError} is made of. */
export interface ErrorParts {
  /** What was being done, in the words of the command: "reading http://…/latest.json". */
  readonly operation: string;
  /** What was found instead of what was wanted. */
  readonly found: string;
  /** What a person can do about it. */
  readonly advice: string;
  /** The error underneath. */
  readonly cause?: unknown;
}

/**
 * The error that every room throws for a failure that it understands.
 *
 * @example The message is one line
 * ```ts
 * import { UpdateError } from "@kubesolo/update/core";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new UpdateError("slot", {
 *   operation: "looking for slot B",
 *   found: "no partition named KSOLOB",
 *   advice: "run it on a node that was installed from the image",
 * });
 * assertEquals(
 *   error.message,
 *   "looking for slot B: no partition named KSOLOB; run it on a node that was installed from the image",
 * );
 * ```
 */
export class UpdateError extends Error {
  /** The class, by name. */
  override readonly name = "UpdateError";
  /** Why it failed; {@linkcode EXIT}`[code]` is the exit status. */
  readonly code: ErrorCode;
  /** What was being done. */
  readonly operation: string;
  /** What was found. */
  readonly found: string;
  /** What to do. */
  readonly advice: string;

  /** An error with `code`; its message joins the parts on one line. */
  constructor(code: ErrorCode, parts: ErrorParts) {
    super(oneLine(`${parts.operation}: ${parts.found}; ${parts.advice}`), { cause: parts.cause });
    this.code = code;
    this.operation = parts.operation;
    this.found = parts.found;
    this.advice = parts.advice;
  }
}

/** The text of anything that was thrown, on one line. */
export function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return oneLine(text);
}

// before a connection, and once there is one; a URL has no spaces
const REQUEST = /^error sending request (?:for url \(.*?\)|from \S+ for \S+ \(\S*\)): /;

/** Why a request failed, without its URL, which the runtime repeats: its query may be secret. */
export function requestReasonOf(thrown: unknown): string {
  return reasonOf(thrown).replace(REQUEST, "");
}

// C0, DEL, C1, and what turns the direction of writing round
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Any text on one line, without the characters that drive a terminal: what a server sends ends up in
 * messages.
 */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(CONTROL, "").replaceAll(/ {2,}/g, " ").trim();
}

/** A text of at most `length` characters: the rest of a longer one is an ellipsis. */
export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
