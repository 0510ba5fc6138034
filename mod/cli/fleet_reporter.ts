/**
 * Lets a fleet's server hear what happens.
 *
 * @module
 */

import { reasonOf, type Reporter, type UpdateEvent } from "../core/mod.ts";
import type { OmahaTeller } from "../omaha/mod.ts";

/** Hears the same as another reporter; the changes of phase are told while the command goes on. */
export class FleetReporter implements Reporter {
  readonly #inner: Reporter;
  readonly #open: () => Promise<OmahaTeller>;
  #last?: UpdateEvent & { kind: "phase" };
  #telling: Promise<void> = Promise.resolve();

  /** What `open` opens is loaded only once there is something to tell: most commands change no phase. */
  constructor(inner: Reporter, open: () => Promise<OmahaTeller>) {
    this.#inner = inner;
    this.#open = open;
  }

  /** Hands it on, and returns before a server has heard of it. */
  report(event: UpdateEvent): void {
    this.#inner.report(event);
    if (event.kind !== "phase") return;
    this.#last = event;
    this.#tell((teller) => teller.phase(event));
  }

  /** Resolves when all was told, or is kept to be told; `error` is what the command has ended with. */
  async end(error?: unknown): Promise<void> {
    const last = this.#last;
    if (error !== undefined && last?.to === "failed") {
      this.#tell((teller) => teller.failed(error, last.from));
    }
    await this.#telling;
  }

  /** One after the other; whatever goes wrong stays here. */
  #tell(what: (teller: OmahaTeller) => Promise<void>): void {
    this.#telling = this.#telling.then(async () => {
      try {
        await what(await this.#open());
      } catch (error) {
        const message = `the Omaha server is not told: ${reasonOf(error)}`;
        this.#inner.report({ kind: "warning", message });
      }
    });
  }
}
