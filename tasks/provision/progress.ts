/**
 * How far the writing is, on the screen.
 *
 * @module
 */

import { sizeForPeople, type WriteStep } from "../../mod/provision/mod.ts";
import { say } from "../screen.ts";

const WORDS: Readonly<Record<WriteStep, string>> = {
  test: "testing that it holds what it says",
  write: "writing",
  verify: "reading back",
  fill: "growing the data partition, and filling it",
  finish: "writing the partition table",
};

/** Milliseconds between two changes of the line that moves. */
const FRAME_MILLISECONDS = 100;

/** A line for each step on standard error; on a terminal also one that moves. */
export class Progress {
  readonly #isTerminal = Deno.stderr.isTerminal();
  #step?: WriteStep;
  #shown = 0;

  /** Shows it. */
  show(step: WriteStep, done: number, total: number): void {
    if (total === 0) return say(`${WORDS[step]} …`);
    const isLast = done === total;
    if (this.#isTerminal) {
      if (!isLast && performance.now() - this.#shown < FRAME_MILLISECONDS) return;
      this.#shown = performance.now();
      const share = `${Math.floor(done / total * 100)} %`;
      this.#write(`\r\x1b[K${WORDS[step]} … ${share} of ${sizeForPeople(total)}`);
      if (isLast) this.#write("\n");
    } else if (this.#step !== step) say(`${WORDS[step]} ${sizeForPeople(total)} …`);
    this.#step = step;
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}
