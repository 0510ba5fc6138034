/**
 * How far a transfer is.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";

/** Answers that are shorter say nothing about their transfer. */
const MIN_BYTES = 1 << 20;

const PERCENT_PER_LINE = 10;

/**
 * The same answer; while its body goes out, `say` hears of every tenth of it, and of a client that
 * leaves before the end.
 */
export function watched(
  answer: Response,
  gone: AbortSignal,
  say: (words: string) => void,
): Response {
  const total = Number(answer.headers.get("content-length") ?? 0);
  if (!answer.body || !answer.ok || total < MIN_BYTES) return answer;
  const size = format(total, { binary: true });
  let [done, said] = [0, 0];
  gone.addEventListener("abort", () => {
    if (done < total) say(`has left after ${format(done, { binary: true })} of ${size}`);
  });
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      done += chunk.length;
      const percent = Math.floor(done * 100 / total);
      if (percent >= said + PERCENT_PER_LINE) {
        said = percent - percent % PERCENT_PER_LINE;
        say(`has ${said} % of ${size}`);
      }
      controller.enqueue(chunk);
    },
  });
  return new Response(answer.body.pipeThrough(counter), answer);
}
