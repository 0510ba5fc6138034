/**
 * A fleet server that keeps book of its instances by nebraska's rules: an update is given once, and again
 * only when its end was reported; milestones count while one is under way.
 *
 * @module
 */

import { assertMatch } from "@std/assert";
import {
  isStrictVersion,
  type OmahaAppRequest,
  type OmahaEventRequest,
  type OmahaRequest,
} from "../../mod/omaha/mod.ts";
import { APP, NO_UPDATE, responseXml } from "./_fleet.ts";

/** What an instance's page shows. */
export type InstanceStatus =
  | "Undefined"
  | "UpdateGranted"
  | "Downloading"
  | "Downloaded"
  | "Installed"
  | "Complete"
  | "Error"
  | "OnHold";

const MILESTONES: Readonly<Record<string, InstanceStatus>> = {
  "13/1": "Downloading",
  "14/1": "Downloaded",
  "800/1": "Installed",
  "3/2": "Complete",
  "3/0": "Error",
};

const UNDER_WAY: readonly InstanceStatus[] = ["Downloading", "Downloaded", "Installed"];

/** See the module's description. One instance is enough for it. */
export class Nebraska {
  /** The instance's status after each request that changed it, with the version that it said it runs. */
  readonly history: string[] = [];
  /** Events that counted for nothing. */
  readonly ignored: string[] = [];
  /** The version on offer, and the update check that offers it. */
  offer?: { readonly version: string; readonly xml: string };
  /** Somebody has paused the rollout. */
  isPaused = false;
  #status: InstanceStatus = "Undefined";
  #machine?: string;

  /** Answers one request, always with 200. */
  answer({ apps: [app] }: OmahaRequest): Response {
    const { machineid = "", board, track, version = "" } = app;
    assertMatch(machineid, /^\S{1,50}$/);
    assertMatch(`${board} ${track}`, /^(amd64|arm64)-usr \S+$/);
    if (app.appid !== APP || !isStrictVersion(version)) return this.#error("invalidVersion");
    this.#machine ??= machineid;
    if (machineid !== this.#machine) return this.#error("instanceRegistrationFailed");
    for (const event of app.events) this.#event(event, app);
    return app.updatecheck ? this.#check(app) : new Response(responseXml(""));
  }

  #event(
    { eventtype, eventresult, errorcode, previousversion }: OmahaEventRequest,
    app: OmahaAppRequest,
  ): void {
    const name = `${eventtype}/${eventresult}`;
    const next = MILESTONES[name];
    const known = this.#status === "UpdateGranted" || UNDER_WAY.includes(this.#status);
    // what update_engine says after any reboot
    const empty = name === "3/2" && (previousversion ?? "0.0.0.0") === "0.0.0.0";
    if (!next || !known || empty) {
      this.ignored.push(`${name}${errorcode ? ` ${errorcode}` : ""}`);
      return;
    }
    this.#become(next, app, errorcode);
  }

  #check(app: OmahaAppRequest): Response {
    if (UNDER_WAY.includes(this.#status)) return this.#error("updateInProgressOnInstance");
    if (!this.offer || this.offer.version === app.version) return new Response(NO_UPDATE);
    if (this.#status !== "UpdateGranted") {
      if (this.isPaused) return this.#error("updatesDisabled");
      this.#become("UpdateGranted", app);
    }
    return new Response(responseXml(this.offer.xml));
  }

  #become(status: InstanceStatus, { version }: OmahaAppRequest, errorcode?: number): void {
    this.#status = status;
    this.history.push(`${version} ${status}${errorcode ? ` ${errorcode}` : ""}`);
  }

  #error(status: string): Response {
    const check = '<updatecheck status="error-internal"><urls></urls></updatecheck>';
    return new Response(responseXml(check, `appid="${APP}" status="error-${status}"`));
  }
}
