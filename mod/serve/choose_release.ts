/**
 * Which release a node is offered.
 *
 * @module
 */

import { compareVersions, isVersion, type Release, unameOf } from "../core/mod.ts";
import type { OmahaAppRequest, OmahaOs } from "../omaha/mod.ts";
import type { CompleteRelease } from "./release_place.ts";

/** The channel of nodes that name none. */
export const DEFAULT_CHANNEL = "stable";

/** What Omaha calls amd64. */
const OMAHA_AMD64 = "x64";

/** What a node is, as far as releases go. */
export interface Wish {
  /** What it runs. */
  readonly version: string;
  /** What it follows. */
  readonly channel: string;
  /** As `uname -m` says it; empty where the node does not say. */
  readonly architecture: string;
  /** What the version is to begin with. */
  readonly prefix: string;
}

/** What a node may take next. */
export interface Choice {
  /** The newest for it; undefined where there is nothing for its channel and architecture. */
  readonly newest?: CompleteRelease;
  /** What leads there, in the order in which it is taken; empty where it runs the newest, or cannot get there. */
  readonly steps: readonly CompleteRelease[];
}

/** The wish in a request. */
export function wishOf(app: OmahaAppRequest, os: OmahaOs = {}): Wish {
  const machine = app.board?.split("-")[0] || os.arch || "";
  return {
    version: app.version ?? "",
    channel: app.track || DEFAULT_CHANNEL,
    architecture: machine === OMAHA_AMD64 ? "x86_64" : unameOf(machine),
    prefix: app.updatecheck?.targetversionprefix ?? "",
  };
}

/**
 * The newest release of the node's channel and architecture, and the steps to it: where it wants a newer
 * version than the one that runs, the newest of those that may be taken comes before it, and so on.
 *
 * @throws {RangeError} where the node's version is none.
 */
export function chooseRelease(
  wish: Wish,
  releases: Iterable<CompleteRelease>,
  now: Date = new Date(),
): Choice {
  const fitting = [...releases].filter(({ release }) => fits(release, wish, now));
  const newest = newestOf(fitting.filter(({ isStone }) => !isStone));
  if (!isVersion(wish.version)) throw new RangeError(`"${wish.version}" is no version`);
  const steps: CompleteRelease[] = [];
  if (!newest) return { steps };
  for (let at = wish.version; isNewer(newest, at);) {
    const next = mayFollow(newest, at) ? newest : newestOf(
      fitting.filter((one) => isNewer(one, at) && !isNewer(one, versionOf(newest)))
        .filter((one) => mayFollow(one, at)),
    );
    if (!next) return { newest, steps: [] };
    steps.push(next);
    at = versionOf(next);
  }
  return { newest, steps };
}

function fits(release: Release, { channel, architecture, prefix }: Wish, now: Date): boolean {
  return (release.channel ?? channel) === channel &&
    (release.architecture ?? architecture) === architecture &&
    release.version.startsWith(prefix) &&
    !(release.expires !== undefined && Date.parse(release.expires) <= now.getTime());
}

function mayFollow({ release: { minCompatibleVersion } }: CompleteRelease, from: string): boolean {
  return minCompatibleVersion === undefined || compareVersions(from, minCompatibleVersion) >= 0;
}

function isNewer(one: CompleteRelease, than: string): boolean {
  return compareVersions(versionOf(one), than) > 0;
}

function newestOf(releases: readonly CompleteRelease[]): CompleteRelease | undefined {
  return releases.toSorted((a, b) => compareVersions(versionOf(b), versionOf(a)))[0];
}

function versionOf({ release }: CompleteRelease): string {
  return release.version;
}
