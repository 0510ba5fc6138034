/**
 * A node, as an Omaha server sees it: what it asks, and what it has to say.
 *
 * @module
 */

import { reasonOf, type Reporter, type Withheld } from "../core/mod.ts";
import type { WebClient } from "../http/mod.ts";
import { type AppAnswer, ask, type Patience, shownStatus } from "./_ask.ts";
import { braced, requestOf } from "./_request_of.ts";
import { askAfter, backoffOf, isTooEarlyToAsk, isTooEarlyToFetch } from "./_waits.ts";
import {
  APP_STATUS,
  ERROR_CODE,
  EVENT_RESULT,
  EVENT_TYPE,
  IN_PROGRESS,
  NOT_NOW,
  UPDATE_STATUS,
} from "./codes.ts";
import {
  ANSWER_SECONDS,
  DEAF_MS,
  EVENT_SECONDS,
  MAX_GRANT_LENGTH,
  MAX_RETRIES,
  MAX_SILENT_RETRIES,
} from "./limits.ts";
import type { KeptEvent, KeptUpdate, NoteFile, Notes } from "./notes.ts";
import { OmahaError } from "./omaha_error.ts";
import type { OmahaAppRequest } from "./request.ts";
import { parseResponse } from "./response.ts";
import type { OmahaUpdateCheckResponse } from "./response_types.ts";

/** Who asks, and whom. */
export interface OmahaClientOptions {
  /** The server. */
  readonly web: WebClient;
  /** `appid`: the application that the node is. */
  readonly appId: string;
  /** `track`: the group or channel that it belongs to. */
  readonly track: string;
  /** What is remembered. */
  readonly notes: NoteFile;
  /** Hears what is worth saying. */
  readonly reporter: Reporter;
  /** The agent's name and version. */
  readonly agent: string;
  /** As Go says it: `amd64`, `arm64`. */
  readonly architecture: string;
  /** This boot. */
  readonly bootId: string;
  /** A name for this machine, for people. */
  readonly alias?: string;
  /** The version that runs, where that is known; asked when an update is, or there is something to say. */
  version(): Promise<string | undefined>;
  /** Nobody waits for it: it is asked no sooner than the server wants to be asked again. */
  readonly unattended?: boolean;
  /** Resolves after so many milliseconds. */
  sleep?(milliseconds: number): Promise<void>;
}

/** Something that a server hears of. */
export interface Happening {
  /** What it hears. */
  readonly event: KeptEvent;
  /** With it the update is over: what there was to fetch was fetched, could not be, or was not the reason. */
  readonly ends?: "fetched" | "unfetched" | "otherwise";
}

/** What an application's status is where the server has heard what was said. */
const HEARD: readonly string[] = [APP_STATUS.ok, IN_PROGRESS, ...NOT_NOW];

/** Speaks for one node. One request at a time is under way. */
export class OmahaClient {
  readonly #options: OmahaClientOptions;
  readonly #patience: Patience;
  #session = braced();
  #running: Promise<unknown> = Promise.resolve();
  #version?: string;
  #granted?: string;
  #payload?: string;
  #deafUntil = 0;

  /** Asks nothing yet. */
  constructor(options: OmahaClientOptions) {
    this.#options = options;
    this.#patience = {
      retries: MAX_RETRIES,
      silentRetries: MAX_SILENT_RETRIES,
      seconds: ANSWER_SECONDS,
      sleep: options.sleep ??
        ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))),
    };
  }

  /** The server's address, as it may be shown. */
  get name(): string {
    return this.#options.web.name;
  }

  /**
   * The server's offer; undefined where it has none, and why where it has none only now. What it has not
   * heard yet is said with it.
   *
   * @throws {OmahaError} `source` where it does not answer well, `verification` where what it answers is
   * no response of the protocol.
   */
  checkForUpdate(signal?: AbortSignal): Promise<OmahaUpdateCheckResponse | Withheld | undefined> {
    return this.#alone(async () => {
      const { notes, unattended } = this.#options;
      const { ask_after } = await notes.read();
      if (unattended && isTooEarlyToAsk(ask_after)) {
        const withheld = `the server wants to be asked again at ${ask_after}, and not before`;
        return { withheld, unasked: true };
      }
      this.#version = await this.#options.version();
      let answer = await this.#check(signal);
      if (answer.app.status === IN_PROGRESS) {
        const grant = (await notes.read()).update?.grant;
        if (grant !== undefined) return this.#again(grant);
        // it waits for the end of an update of which nothing is known here any more
        await this.#add({ ...FAILED, errorcode: ERROR_CODE.omahaRequest });
        answer = await this.#check(signal);
      }
      const check = this.#offered(answer);
      const isOffer = check && !("withheld" in check);
      this.#granted = isOffer && answer.document.length <= MAX_GRANT_LENGTH
        ? answer.document
        : undefined;
      await notes.change({ ask_after: askAfter(answer.app.updatecheck?.PollInterval) });
      return check;
    });
  }

  /**
   * Why `payload`, the SHA-1 of what was offered, is left alone for now: it could not be fetched, nobody is
   * there, and the server does not want it all the same. Undefined where it may be fetched.
   */
  backingOff(payload: string, backsOff: boolean): Promise<Withheld | undefined> {
    return this.#alone(async () => {
      this.#payload = payload;
      const { notes, unattended } = this.#options;
      const { backoff } = await notes.read();
      if (!unattended || !backsOff || !backoff) return undefined;
      if (!isTooEarlyToFetch(payload, backoff)) return undefined;
      const { failures, until } = backoff;
      const times = failures === 1 ? "" : ` ${failures} times`;
      return {
        withheld: `what the server offers could not be fetched${times}: waiting until ${until}`,
      };
    });
  }

  /** The update that was just offered begins: `to` is its version. Never throws. */
  begin(to: string | undefined): Promise<void> {
    return this.#quietly(async () => {
      const { notes } = this.#options;
      const { update } = await notes.read();
      // one that was cut off goes on; another one takes its place
      const before = update?.to === to ? update : undefined;
      const grant = this.#granted ?? before?.grant;
      const session = before?.session ?? this.#session;
      const payload = this.#payload;
      await notes.change({ update: { session, from: this.#version, to, grant, payload } });
    });
  }

  /**
   * What `happened` makes of the update on its way is kept, and said as soon as the server listens. Never
   * throws.
   */
  tell(happened: (update: KeptUpdate | undefined) => Happening | undefined): Promise<void> {
    return this.#quietly(async () => {
      const { notes } = this.#options;
      const { update, backoff } = await notes.read();
      const happening = happened(update);
      if (!happening) return;
      const { event, ends } = happening;
      // its last word belongs to it as well
      if (update) this.#session = update.session;
      const payload = ends === "unfetched" ? update?.payload : undefined;
      // where nothing was being fetched, what could not be fetched before still cannot
      const kept = payload === undefined ? backoff : backoffOf(payload, backoff);
      const after = ends === "fetched" ? undefined : kept;
      await this.#add(event, ends && { update: undefined, backoff: after });
      if (event.version === undefined) this.#version ??= await this.#options.version();
      await this.#say();
    });
  }

  #alone<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#running.then(body);
    this.#running = turn.catch(() => {});
    return turn;
  }

  #quietly(body: () => Promise<void>): Promise<void> {
    return this.#alone(body).catch((error) => {
      const message = `the Omaha server has not heard of it, and will with the next request: ${
        reasonOf(error)
      }`;
      this.#options.reporter.report({ kind: "warning", message });
    });
  }

  async #add(event: KeptEvent, changes: Partial<Notes> = {}): Promise<void> {
    const { notes } = this.#options;
    const { events } = await notes.read();
    // a node that fails at every hour of a long night says so once
    const isRepeated = JSON.stringify(events.at(-1)) === JSON.stringify(event);
    await notes.change({ ...changes, events: isRepeated ? events : [...events, event] });
  }

  async #say(): Promise<void> {
    if (performance.now() < this.#deafUntil) return;
    const patience = { ...this.#patience, retries: 0, silentRetries: 0, seconds: EVENT_SECONDS };
    this.#deafUntil = performance.now() + DEAF_MS;
    const { app: { status = "" } } = await this.#request({}, patience);
    if (!HEARD.includes(status)) throw this.#refused(status);
  }

  #check(signal?: AbortSignal): Promise<AppAnswer> {
    return this.#request({ updatecheck: {} }, this.#patience, signal);
  }

  /** Asks, and forgets the events that were heard with it. */
  async #request(
    more: Partial<OmahaAppRequest>,
    patience: Patience,
    signal?: AbortSignal,
  ): Promise<AppAnswer> {
    const { web, appId, notes } = this.#options;
    const kept = await notes.read();
    const asking = { version: this.#version, session: this.#session, more };
    const document = requestOf(this.#options, kept, asking);
    const answer = await ask(web, document, appId, patience, signal);
    this.#deafUntil = 0;
    const isKnown = HEARD.includes(answer.app.status ?? "");
    if (isKnown && kept.events.length > 0) await notes.change({ events: [] });
    return answer;
  }

  /** What an answer offers; undefined where it is nothing, and why where it is nothing only now. */
  #offered({ app }: AppAnswer): OmahaUpdateCheckResponse | Withheld | undefined {
    const { status = "", updatecheck: check } = app;
    if (NOT_NOW.includes(status)) {
      return { withheld: `the server gives out no update at the moment: ${status}` };
    }
    if (status !== APP_STATUS.ok) throw this.#refused(status);
    if (check?.status === UPDATE_STATUS.noUpdate) return undefined;
    if (check?.status === UPDATE_STATUS.ok) return check;
    throw this.#refused(check ? check.status ?? "" : "no answer about an update");
  }

  #refused(found: string): OmahaError {
    const { appId, track } = this.#options;
    return new OmahaError(ERROR_CODE.omahaResponseInvalid, "source", {
      operation: `asking ${this.name}`,
      found: `the server answered ${shownStatus(found)}`,
      advice: `see that it knows application ${appId} and track ${track}`,
    });
  }

  #again(grant: string): OmahaUpdateCheckResponse | undefined {
    const { appId, reporter } = this.#options;
    const message = "the server waits for the update that it has offered: going on with that";
    reporter.report({ kind: "step", message });
    return parseResponse(grant).apps.find(({ appid }) => appid === appId)?.updatecheck;
  }
}

/** An update has come to nothing. */
export const FAILED: KeptEvent = {
  eventtype: EVENT_TYPE.updateComplete,
  eventresult: EVENT_RESULT.error,
};
