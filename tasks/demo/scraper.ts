/**
 * Asks a node for its metrics, again and again, as Prometheus does.
 *
 * @module
 */

import { freePort } from "../free_port.ts";

const INTERVAL_MILLISECONDS = 500;

/** Milliseconds that a node has to answer; while it boots it does not. */
const ANSWER_MILLISECONDS = 10_000;

/** What the metrics said. */
export interface Scraped {
  /** Answers. */
  readonly count: number;
  /** The phases that the node was found in, in the order in which they were first seen. */
  readonly phases: readonly string[];
  /** The last answer. */
  readonly last: string;
}

/** Scrapes until it is disposed of. */
export class Scraper implements AsyncDisposable {
  /** Of this machine's loopback; the node's metrics have to be reached there. */
  readonly port: number = freePort();
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  readonly #phases = new Set<string>();
  #count = 0;
  #last = "";

  constructor() {
    this.#done = this.#scrape();
  }

  /** What was found until now. */
  get found(): Scraped {
    return { count: this.#count, phases: [...this.#phases], last: this.#last };
  }

  async #scrape(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const answer = await this.#ask().catch(() => undefined);
      if (answer !== undefined) {
        this.#count++;
        this.#last = answer;
        const phase = /^kubesolo_update_phase\{phase="(\w+)"\} 1$/m.exec(answer)?.[1];
        if (phase) this.#phases.add(phase);
      }
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MILLISECONDS));
    }
  }

  async #ask(): Promise<string> {
    const late = AbortSignal.timeout(ANSWER_MILLISECONDS);
    const signal = AbortSignal.any([this.#abort.signal, late]);
    const response = await fetch(`http://127.0.0.1:${this.port}/metrics`, { signal });
    if (response.ok) return await response.text();
    await response.body?.cancel();
    throw new Error(`${response.status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}
