/**
 * Keeps the nodes that have asked.
 *
 * @module
 */

import { reasonOf, type Reporter } from "../../core/mod.ts";
import { type Fleet, type FleetStore, FLUSH_MS } from "../../serve/mod.ts";

/** Writes what has changed, again and again; what goes wrong is said once, and never in the way. */
export class FleetKeeper implements Disposable {
  readonly #fleet: Fleet;
  readonly #store?: FleetStore;
  readonly #reporter: Reporter;
  readonly #timer: number;
  #isBroken = false;

  /** Without a store nothing is kept. */
  constructor(fleet: Fleet, store: FleetStore | undefined, reporter: Reporter) {
    this.#fleet = fleet;
    this.#store = store;
    this.#reporter = reporter;
    this.#timer = setInterval(() => this.#save(), FLUSH_MS);
  }

  #save(): void {
    try {
      if (this.#store) this.#store.save(this.#fleet);
      else this.#fleet.saveTo(() => {});
      this.#isBroken = false;
    } catch (error) {
      if (this.#isBroken) return;
      this.#isBroken = true;
      const message = `nodes cannot be kept: ${reasonOf(error)}; updates are served all the same`;
      this.#reporter.report({ kind: "warning", message });
    }
  }

  /** Writes what is left, and closes the store. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#save();
    this.#store?.[Symbol.dispose]();
  }
}
