/**
 * What the server knows, for people and for machines.
 *
 * @module
 */

import { compareVersions, isVersion, releaseSize } from "../core/mod.ts";
import type { Contents } from "./catalogue.ts";
import { type Fleet, type FleetNode, NODE_PHASES, type NodePhase } from "./fleet.ts";
import type { ReleasePlace } from "./release_place.ts";

/** One release, offered or not. */
export interface ReleaseStatus {
  /** Its directory below the one that is served. */
  readonly place: string;
  /** As its `latest.json` says it; absent where that is no good. */
  readonly version?: string;
  /** The channel, where it has one. */
  readonly channel?: string;
  /** The architecture, where it is for one. */
  readonly architecture?: string;
  /** The oldest version that may take it. */
  readonly minCompatibleVersion?: string;
  /** When it was made. */
  readonly date?: string;
  /** When it is not to be taken any more. */
  readonly expires?: string;
  /** Bytes, where all are known. */
  readonly size?: number;
  /** Whether a signature lies beside its `latest.json`; whose it is, nodes say. */
  readonly isSigned: boolean;
  /** Whether it is only on the way to another one. */
  readonly isStone: boolean;
  /** Whether it is offered. */
  readonly state: ReleasePlace["state"];
  /** Why not, or not to everybody. */
  readonly problem?: string;
}

/** One repository. */
export interface RepositoryStatus {
  /** What registries' clients call it. */
  readonly name: string;
  /** Tags, and what they name. */
  readonly tags: readonly {
    /** The tag. */
    readonly tag: string;
    /** The manifest's digest. */
    readonly digest: string;
    /** The release's version, where it is one. */
    readonly version?: string;
  }[];
  /** What is not served, by tag or digest, and why. */
  readonly problems: Readonly<Record<string, string>>;
}

/** All of it. */
export interface ServerStatus {
  /** When this was. */
  readonly at: string;
  /** The newest first, in each channel. */
  readonly releases: readonly ReleaseStatus[];
  /** By name. */
  readonly repositories: readonly RepositoryStatus[];
  /** What could not be looked at in the directory, by name, and why. */
  readonly problems: Readonly<Record<string, string>>;
  /** Nodes, in all. */
  readonly total: number;
  /** Nodes by phase; those without nodes are left out. */
  readonly phases: Readonly<Partial<Record<NodePhase, number>>>;
  /** Nodes by the version that they run, the newest first. */
  readonly versions: readonly (readonly [version: string, nodes: number])[];
  /** Which part of the nodes this is, from 1. */
  readonly page: number;
  /** How many parts there are. */
  readonly pages: number;
  /** Those that somebody should look at first, then those that asked last. */
  readonly nodes: readonly FleetNode[];
}

const VERSION_ANNOTATION = "io.kubesolo.os.version";

/** Which nodes are wanted. */
export interface NodePage {
  /** From 1. */
  readonly page: number;
  /** Nodes on each. */
  readonly perPage: number;
}

/** What is known now. */
export function statusOf(
  { places, repositories, problems }: Contents,
  fleet: Fleet,
  { page, perPage }: NodePage,
): ServerStatus {
  const all = [...fleet.nodes].sort(byUrgency);
  const pages = Math.max(1, Math.ceil(all.length / perPage));
  const shown = Math.min(Math.max(1, page), pages);
  return {
    at: new Date().toISOString(),
    releases: [...places.values()].flatMap(releasesOf).sort(byChannelAndVersion),
    repositories: [...repositories.values()].map((one) => ({
      name: one.name,
      tags: [...one.tags].map(([tag, digest]) => ({
        tag,
        digest,
        version: one.manifests.get(digest)?.manifest.annotations?.[VERSION_ANNOTATION],
      })),
      problems: Object.fromEntries(one.problems),
    })),
    problems: Object.fromEntries(problems),
    total: all.length,
    phases: Object.fromEntries(
      NODE_PHASES.map((phase) => [phase, all.filter((node) => node.phase === phase).length])
        .filter(([, count]) => count !== 0),
    ),
    versions: countVersions(all),
    page: shown,
    pages,
    nodes: all.slice((shown - 1) * perPage, shown * perPage),
  };
}

function releasesOf({ name, state, problem, releases, documents }: ReleasePlace): ReleaseStatus[] {
  const common = { place: name, state, problem };
  const isSigned = [...documents.keys()].some((file) => /sig$/.test(file));
  if (releases.length === 0) return [{ ...common, isSigned, isStone: false }];
  return releases.map(({ release, isStone, artifacts }) => ({
    ...common,
    version: release.version,
    channel: release.channel,
    architecture: release.architecture,
    minCompatibleVersion: release.minCompatibleVersion,
    date: release.date,
    expires: release.expires,
    size: artifacts.length > 0
      ? artifacts.reduce((sum, { info }) => sum + info.size, 0)
      : releaseSize(release),
    isSigned,
    isStone,
  }));
}

function countVersions(nodes: readonly FleetNode[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { version } of nodes) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => newerFirst(a, b));
}

function byChannelAndVersion(a: ReleaseStatus, b: ReleaseStatus): number {
  const [one, other] = [a.channel ?? "", b.channel ?? ""];
  // what nodes follow unless told otherwise goes first
  const rank = (channel: string) => channel === "stable" ? "" : channel || "\uffff";
  if (one !== other) return rank(one) < rank(other) ? -1 : 1;
  return newerFirst(a.version ?? "", b.version ?? "") || (a.place < b.place ? -1 : 1);
}

function newerFirst(a: string, b: string): number {
  if (isVersion(a) && isVersion(b)) return compareVersions(b, a);
  return Number(isVersion(b)) - Number(isVersion(a)) || (a < b ? -1 : Number(a > b));
}

function byUrgency(a: FleetNode, b: FleetNode): number {
  return urgencyOf(a) - urgencyOf(b) || b.lastSeen - a.lastSeen || (a.id < b.id ? -1 : 1);
}

/** Failures, then what is under way, then all others. */
function urgencyOf({ phase }: FleetNode): number {
  const at = NODE_PHASES.indexOf(phase);
  return Math.min(at, NODE_PHASES.indexOf("updated"));
}
