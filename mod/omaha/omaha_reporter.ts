/**
 * Tells an Omaha server how an update gets on.
 *
 * @module
 */

import { type Phase, type Reporter, UpdateError, type UpdateEvent } from "../core/mod.ts";
import { FAILED, type OmahaClient } from "./client.ts";
import { ERROR_CODE, EVENT_RESULT, EVENT_TYPE } from "./codes.ts";
import type { KeptEvent } from "./notes.ts";
import { errorCodeOf } from "./omaha_error.ts";

type PhaseChange = UpdateEvent & { kind: "phase" };

/**
 * Hears the same as another reporter, and tells a server of the changes of phase that are milestones:
 * 13/1 where a download starts, 14/1 where it is staged, 800/1 where it is activated, 3/2 where it is
 * confirmed, 3/0 with a number where it has failed, 3/0 with 44 where it was rolled back.
 *
 * What an update does goes on meanwhile. An event that does not get through is kept, and said with the next
 * request.
 */
export class OmahaReporter implements Reporter {
  readonly #inner: Reporter;
  readonly #client: () => Promise<OmahaClient>;
  #failed?: PhaseChange;
  #telling: Promise<void> = Promise.resolve();

  /** `client` is asked for once there is something to say. */
  constructor(inner: Reporter, client: () => Promise<OmahaClient>) {
    this.#inner = inner;
    this.#client = client;
  }

  /** Hands it on, and returns before a server has heard of it. */
  report(event: UpdateEvent): void {
    this.#inner.report(event);
    if (event.kind === "phase") this.#phase(event);
  }

  /** Resolves when all was said, or is kept to be said; `error` is what a command has ended with. */
  async end(error?: unknown): Promise<void> {
    // a health check that says no decides nothing yet: the slot is on trial
    const isDecided = !(error instanceof UpdateError && error.code === "unhealthy");
    if (this.#failed && error !== undefined && isDecided) {
      const errorcode = errorCodeOf(error);
      this.#tell((client) => this.#over(client, { ...FAILED, errorcode }, false));
    }
    await this.#telling;
  }

  #phase(change: PhaseChange): void {
    this.#failed = change.to === "failed" ? change : undefined;
    // a check that has found nothing to do goes back to where it came from
    const back = change.from === "checking";
    const { version } = change;
    const step = STEPS[change.to];
    if (change.to === "downloading") {
      this.#tell(async (client) => {
        await client.began(version);
        await this.#say(client, { eventtype: EVENT_TYPE.updateDownloadStarted });
      });
    } else if (step !== undefined && !back) {
      this.#tell((client) => this.#say(client, { eventtype: step }));
    } else if (change.to === "success" && !back) {
      this.#tell((client) =>
        this.#over(client, {
          eventtype: EVENT_TYPE.updateComplete,
          eventresult: EVENT_RESULT.successReboot,
        }, true)
      );
    } else if (change.to === "rolled_back" && !back) {
      const event = { ...FAILED, errorcode: ERROR_CODE.rolledBack, nextversion: version };
      this.#tell(async (client) => {
        await client.tell({ ...event, version: (await client.update())?.from });
        await client.ended(true);
      });
    }
  }

  /** A milestone on the way of an update that this server has offered. */
  async #say(client: OmahaClient, event: KeptEvent): Promise<void> {
    const update = await client.update();
    if (!update) return;
    const { from: version, to: nextversion } = update;
    await client.tell({ eventresult: EVENT_RESULT.success, version, nextversion, ...event });
  }

  /** The last word on an update; one that failed before it had begun has one as well. */
  async #over(client: OmahaClient, event: KeptEvent, isNew: boolean): Promise<void> {
    const update = await client.update();
    if (!update && isNew) return;
    await client.tell({
      version: isNew ? update?.to : update?.from,
      previousversion: isNew ? update?.from : undefined,
      nextversion: isNew ? undefined : update?.to,
      ...event,
    });
    await client.ended(isNew);
  }

  /** One after the other; whatever goes wrong stays here. */
  #tell(what: (client: OmahaClient) => Promise<void>): void {
    this.#telling = this.#telling.then(async () => {
      try {
        await what(await this.#client());
      } catch (error) {
        const message = `the Omaha server is not told: ${
          error instanceof Error ? error.message : error
        }`;
        this.#inner.report({ kind: "warning", message });
      }
    });
  }
}

/** Milestones on the way. */
const STEPS: Readonly<Partial<Record<Phase, number>>> = {
  staged: EVENT_TYPE.updateDownloadFinished,
  activated: EVENT_TYPE.installed,
};
