/**
 * The floor: what this node has seen, below which it takes nothing any more. It only ever rises, and is
 * kept in the state and in the slots, so that losing one of them does not lower it.
 *
 * @module
 */

import { count, need, object } from "./_shape.ts";
import { isMoment, type Release } from "./release.ts";
import { compareVersions, isVersion } from "./version.ts";

/** Most bytes of a slot's floor that are read. */
export const MAX_FLOOR_BYTES: number = 64 << 10;

/** Days that a release's date may be ahead of the time that is known: a slip in its year counts for nothing. */
export const MAX_LEAP_DAYS = 730;

const DAY_MILLISECONDS = 86_400_000;

/** What is kept; an absent member holds nothing back. */
export interface Floor {
  /** The highest version that was ever confirmed here. */
  readonly version?: string;
  /** The highest {@linkcode Release.minAllowedVersion} of a release that was confirmed here. */
  readonly min_allowed_version?: string;
  /** The highest {@linkcode Release.metadataVersion} that `apply` ever accepted, by channel. */
  readonly metadata_versions?: Readonly<Record<string, number>>;
  /** The latest {@linkcode Release.date} of what `apply` accepted, RFC 3339. */
  readonly time?: string;
  /** The highest version of a root of trust that `apply` ever went by. */
  readonly root_version?: number;
}

/** How a release was accepted. */
export interface Acceptance {
  /** The channel that the node follows. */
  readonly channel: string;
  /** What time it was. */
  readonly at: Date;
  /** Version of the root of trust that it was judged by, where there is one. */
  readonly root?: number;
}

/** The floor as it is kept beside a release in its slot. */
export interface SlotFloor extends Floor {
  /** {@linkcode Release.minAllowedVersion} of that release: it counts once the slot is confirmed. */
  readonly raises?: string;
}

/** The highest of everything. */
export function highest(...floors: readonly (Floor | undefined)[]): Floor {
  const versions = new Map<string, number>();
  for (const floor of floors) {
    for (const [channel, version] of Object.entries(floor?.metadata_versions ?? {})) {
      versions.set(channel, Math.max(version, versions.get(channel) ?? 0));
    }
  }
  return clean({
    version: highestVersion(floors.map((floor) => floor?.version)),
    min_allowed_version: highestVersion(floors.map((floor) => floor?.min_allowed_version)),
    metadata_versions: versions.size > 0 ? Object.fromEntries(versions) : undefined,
    time: floors.map((floor) => floor?.time).reduce(later),
    root_version: floors.map((floor) => floor?.root_version).reduce(larger),
  });
}

/** The floor with what a release says of itself, once the gates of its metadata have passed. */
export function accepting(
  floor: Floor | undefined,
  { metadataVersion, date, expires }: Release,
  { channel, at, root }: Acceptance,
): Floor {
  const latest = at.getTime() + MAX_LEAP_DAYS * DAY_MILLISECONDS;
  // what was made after its own end was not made then
  const end = expires === undefined ? latest : Math.min(latest, Date.parse(expires));
  const dated = date !== undefined && isMoment(date) && Date.parse(date) < end;
  return highest(floor, {
    metadata_versions: metadataVersion === undefined ? {} : { [channel]: metadataVersion },
    time: dated ? date : undefined,
    root_version: root,
  });
}

/** The floor with a release that was found healthy, or runs as a confirmed one. */
export function confirming(
  floor: Floor | undefined,
  version: string | undefined,
  raises: string | undefined,
): Floor {
  const known = version !== undefined && isVersion(version) ? version : undefined;
  return highest(floor, { version: known, min_allowed_version: raises });
}

/** What `floor` knows of a channel: the lowest metadata version that is still taken there. */
export function metadataFloor(floor: Floor | undefined, channel: string): number | undefined {
  const versions = floor?.metadata_versions ?? {};
  return Object.hasOwn(versions, channel) ? versions[channel] : undefined;
}

/** The text of a slot's floor. */
export function formatFloor(floor: SlotFloor): string {
  return `${JSON.stringify(floor)}\n`;
}

/**
 * The floor in a text.
 *
 * @throws {Error} naming the first member that is not what {@linkcode formatFloor} writes.
 */
export function parseFloor(text: string): SlotFloor {
  const value: unknown = JSON.parse(text);
  checkFloor(value, "floor");
  return value as SlotFloor;
}

/**
 * Looks at what may be a floor.
 *
 * @throws {Error} naming the first member that is not what the agent writes.
 */
export function checkFloor(value: unknown, name: string): void {
  const floor = object(value, name);
  for (const member of ["version", "min_allowed_version", "raises"]) {
    const version = floor[member];
    need(
      version === undefined || (typeof version === "string" && isVersion(version)),
      `${name}.${member}`,
    );
  }
  const { time, metadata_versions, root_version } = floor;
  if (root_version !== undefined) count(root_version, `${name}.root_version`);
  need(time === undefined || (typeof time === "string" && isMoment(time)), `${name}.time`);
  if (metadata_versions === undefined) return;
  for (const version of Object.values(object(metadata_versions, `${name}.metadata_versions`))) {
    count(version, `${name}.metadata_versions`);
  }
}

function highestVersion(versions: readonly (string | undefined)[]): string | undefined {
  return versions.reduce((a, b) =>
    a === undefined ? b : b === undefined || compareVersions(a, b) >= 0 ? a : b
  );
}

function larger(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? a ?? b : Math.max(a, b);
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined ? b : b === undefined || Date.parse(a) >= Date.parse(b) ? a : b;
}

function clean(floor: Floor): Floor {
  return Object.fromEntries(Object.entries(floor).filter(([, value]) => value !== undefined));
}
