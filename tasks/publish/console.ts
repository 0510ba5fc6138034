/**
 * How far a publication is, on the screen.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";
import { dim, green } from "@std/fmt/colors";
import { ANNOTATION_PREFIX, CONTENT_KEYS } from "../../mod/oci/mod.ts";
import { say } from "../screen.ts";
import type { Follower, Uploaded } from "./upload.ts";

/** The annotation with the size of what is compressed in a layer. */
const IMAGE_SIZE = `${ANNOTATION_PREFIX}${CONTENT_KEYS.image}.size`;

/** Milliseconds between two changes of the line that moves. */
const FRAME_MILLISECONDS = 100;

/** A line for each layer on standard error; on a terminal also one that moves. */
export class Console implements Follower {
  readonly #isTerminal = Deno.stderr.isTerminal();
  #shown = 0;

  progress(action: string, name: string, done: number, total: number): void {
    if (!this.#isTerminal || performance.now() - this.#shown < FRAME_MILLISECONDS) return;
    this.#shown = performance.now();
    const share = `${Math.floor(done / Math.max(1, total) * 100)} %`.padStart(5);
    this.#write(`\r\x1b[K${action} ${name} ${share} of ${human(total)}`);
  }

  uploaded({ name, layer: { size, annotations }, wasThere }: Uploaded): void {
    if (this.#isTerminal) this.#write("\r\x1b[K");
    const unpacked = Number(annotations?.[IMAGE_SIZE] ?? size);
    const smaller = unpacked === size
      ? ""
      : `, compressed to ${Math.round(size / unpacked * 100)} % of ${human(unpacked)}`;
    const what = wasThere ? "is there already" : "sent";
    const mark = this.#isTerminal ? green("✓ ") : "";
    const rest = `${human(size)} ${what}${smaller}`;
    say(`${mark}${name}  ${this.#isTerminal ? dim(rest) : rest}`);
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}

function human(bytes: number): string {
  return format(bytes, { binary: true });
}
