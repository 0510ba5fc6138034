/** What a node says of itself. */

import semver from "semver";
import type { OmahaClientOptions } from "./client.ts";
import { INSTALL_SOURCE, omahaArchitecture } from "./codes.ts";
import type { Notes } from "./notes.ts";
import { type OmahaAppRequest, writeRequest } from "./request.ts";

/** In the place of a version that nobody knows. */
const NO_VERSION = "0.0.0";

/** One request. */
export interface Asking {
  /** The version that runs, where that is known. */
  readonly version?: string;
  /** Of requests that belong to no update that has begun. */
  readonly session: string;
  /** What is asked besides. */
  readonly more: Partial<OmahaAppRequest>;
}

/** The document of a request, with all events that are kept. */
export function requestOf(
  options: Omit<OmahaClientOptions, "version">,
  { machine_id, events, update }: Notes,
  { version = events.at(-1)?.version ?? update?.from, session, more }: Asking,
): string {
  const { appId, track, agent, architecture, bootId, alias, unattended } = options;
  return writeRequest({
    version: agent,
    updaterversion: agent,
    installsource: unattended ? INSTALL_SOURCE.scheduler : INSTALL_SOURCE.onDemandUpdate,
    ismachine: 1,
    sessionid: update?.session ?? session,
    userid: machine_id,
    requestid: braced(),
    os: { platform: "KubeSolo OS", arch: omahaArchitecture(architecture) },
    apps: [{
      appid: appId,
      version: strict(version),
      track,
      board: `${architecture}-usr`,
      bootid: `{${bootId}}`,
      machineid: machine_id,
      machinealias: alias,
      multi_manifest_ok: true,
      ping: { active: 1 },
      ...more,
      events: events.map(({ version: _, ...event }) => event),
    }],
  });
}

/** A new UUID in braces. */
export function braced(): string {
  return `{${crypto.randomUUID()}}`;
}

/** As nebraska wants versions: semantic to the letter. */
function strict(version: string | undefined): string {
  return semver.parse(version, { loose: true })?.version ?? NO_VERSION;
}
