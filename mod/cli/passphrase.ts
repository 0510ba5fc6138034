/**
 * Passphrases of private keys: from a file, or from whoever sits at the terminal.
 *
 * @module
 */

import { UpdateError } from "../core/mod.ts";
import { readOperatorFile } from "./operator_files.ts";

/** Most bytes of a passphrase. */
const MAX_PASSPHRASE_BYTES = 1024;

const [ENTER, NEW_LINE, BACKSPACE, DELETE, INTERRUPT, END] = [13, 10, 8, 127, 3, 4];

/**
 * The first line of a file.
 *
 * @throws {UpdateError} `usage` where there is none.
 */
export async function passphraseIn(path: string): Promise<string> {
  const bytes = await readOperatorFile("--passphrase-file", path, MAX_PASSPHRASE_BYTES);
  const [line] = new TextDecoder().decode(bytes).split(/\r?\n/);
  if (line !== "") return line;
  throw new UpdateError("usage", {
    operation: "reading --passphrase-file",
    found: `${path}: an empty first line`,
    advice: "write the passphrase there",
  });
}

/**
 * What is typed at the terminal, unseen; undefined where there is none.
 *
 * @throws {UpdateError} `usage` where whoever sits there breaks off.
 */
export function askPassphrase(question: string): string | undefined {
  if (!Deno.stdin.isTerminal()) return undefined;
  const say = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  Deno.stdin.setRaw(true);
  say(`${question}: `);
  try {
    const typed: number[] = [];
    const key = new Uint8Array(1);
    while (Deno.stdin.readSync(key)) {
      const [byte] = key;
      if (byte === ENTER || byte === NEW_LINE) break;
      if (byte === INTERRUPT || byte === END) throw brokenOff();
      if (byte === BACKSPACE || byte === DELETE) takeBack(typed);
      else if (typed.length < MAX_PASSPHRASE_BYTES) typed.push(byte);
    }
    return new TextDecoder().decode(Uint8Array.from(typed));
  } finally {
    Deno.stdin.setRaw(false);
    say("\n");
  }
}

/**
 * A passphrase for a new key, asked for twice; undefined where none is wanted, or nobody is there to ask.
 *
 * @throws {UpdateError} `usage` where the two differ.
 */
export function askNewPassphrase(): string | undefined {
  const first = askPassphrase("Passphrase for the new key, empty for none");
  if (!first) return undefined;
  if (askPassphrase("The same again") === first) return first;
  throw new UpdateError("usage", {
    operation: "asking for a passphrase",
    found: "two different ones",
    advice: "run it again",
  });
}

/** The last character goes, with all its bytes: those after the first begin with the bits 10. */
function takeBack(typed: number[]): void {
  while ((typed.pop() ?? 0) >> 6 === 0b10);
}

function brokenOff(): UpdateError {
  return new UpdateError("usage", {
    operation: "asking for a passphrase",
    found: "nothing: it was broken off",
    advice: "run it again, or give --passphrase-file",
  });
}
