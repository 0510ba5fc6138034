/**
 * The terminal on which a person is asked.
 *
 * @module
 */

import type { Asked } from "./choose_target.ts";

/** Longest line that is read. */
const MAX_LINE_BYTES = 256;

/** Standard input and standard error. */
export const TERMINAL: Asked = {
  say: (text) => write(`${text}\n`),
  async ask(question) {
    write(question);
    const line = new Uint8Array(MAX_LINE_BYTES);
    const length = await Deno.stdin.read(line);
    if (length === null) return undefined;
    return new TextDecoder().decode(line.subarray(0, length)).trim();
  },
};

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
