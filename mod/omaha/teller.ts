/**
 * Tells an Omaha server how an update gets on.
 *
 * @module
 */

import { type Phase, UpdateError, type UpdateEvent } from "../core/mod.ts";
import { FAILED, type OmahaClient } from "./client.ts";
import { ERROR_CODE, EVENT_RESULT, EVENT_TYPE } from "./codes.ts";
import type { KeptEvent } from "./notes.ts";
import { errorCodeOf } from "./omaha_error.ts";

/** Milestones on the way of an update. */
const MILESTONES: Readonly<Partial<Record<Phase, number>>> = {
  downloading: EVENT_TYPE.updateDownloadStarted,
  staged: EVENT_TYPE.updateDownloadFinished,
  activated: EVENT_TYPE.installed,
};

/** Phases in which what fails is an answer, or a package. */
const FETCHING: readonly Phase[] = ["checking", "downloading"];

/** The new version runs, and is well. */
const CONFIRMED: KeptEvent = {
  eventtype: EVENT_TYPE.updateComplete,
  eventresult: EVENT_RESULT.successReboot,
};

/**
 * Knows which changes of phase a server hears of: 13/1 where a download starts, 14/1 where it is staged,
 * 800/1 where it is activated, 3/2 where it is confirmed, 3/0 with a number where it has failed, 3/0 with 44
 * where it was rolled back.
 *
 * What does not get through is kept, and said with the next request; nothing here throws.
 */
export class OmahaTeller {
  readonly #client: OmahaClient;

  /** `client` speaks for the node. */
  constructor(client: OmahaClient) {
    this.#client = client;
  }

  /** The update has got on, or was rolled back. */
  async phase({ from, to, version }: UpdateEvent & { kind: "phase" }): Promise<void> {
    // a check that has found nothing to do goes back to where it came from
    if (from === "checking" && to !== "downloading") return;
    if (to === "downloading") await this.#client.begin(version);
    const milestone = MILESTONES[to];
    await this.#client.tell((update) => {
      if (to === "rolled_back") {
        const errorcode = ERROR_CODE.rolledBack;
        const event = { ...FAILED, errorcode, nextversion: version, version: update?.from };
        return { event, ends: "fetched" };
      }
      // one that another source has offered is none of the server's business
      if (!update || update.to !== version) return undefined;
      const { from: before, to: after } = update;
      if (to === "success") {
        const event = { ...CONFIRMED, version: after, previousversion: before };
        return { event, ends: "fetched" };
      }
      const eventresult = EVENT_RESULT.success;
      return milestone === undefined
        ? undefined
        : { event: { eventtype: milestone, eventresult, version: before, nextversion: after } };
    });
  }

  /** An update has failed in the phase `from`, perhaps before it had begun. */
  async failed(error: unknown, from: Phase): Promise<void> {
    // a health check that says no decides nothing yet: the slot is on trial
    if (error instanceof UpdateError && error.code === "unhealthy") return;
    // of a slot that is spoiled later on neither the server nor the package is to blame
    const errorcode = FETCHING.includes(from) ? errorCodeOf(error) : ERROR_CODE.generic;
    const code = error instanceof UpdateError ? error.code : undefined;
    const isUnfetched = from === "downloading" && (code === "source" || code === "verification");
    const ends = isUnfetched ? "unfetched" : "otherwise";
    await this.#client.tell((update) => ({
      event: { ...FAILED, errorcode, version: update?.from, nextversion: update?.to },
      ends,
    }));
  }
}
