/**
 * The gates that look at a release.
 *
 * @module
 */

import { type Floor, metadataFloor } from "./floor.ts";
import type { GateName, GateResult, NodeFacts } from "./gates.ts";
import { type Release, releaseDigest, releaseSize } from "./release.ts";
import { lastEntry } from "./state.ts";
import { compareVersions, isVersion } from "./version.ts";

/** The gates that look at a release. `available`: bytes that the passive slot can take. */
export function gatesOfRelease(
  facts: NodeFacts,
  release: Release,
  available: number,
  force: boolean,
): GateResult[] {
  return [
    signatureGate(facts, release),
    expiredGate(facts, release),
    metadataVersionGate(facts, release),
    {
      gate: "channel",
      passed: release.channel === undefined || release.channel === facts.channel,
      wanted: facts.channel,
      found: release.channel ?? "any",
    },
    {
      gate: "architecture",
      passed: release.architecture === undefined || release.architecture === facts.architecture,
      wanted: facts.architecture,
      found: release.architecture ?? "any",
    },
    minimumGate(facts, release),
    downgradeGate(facts, release),
    ledgerGate(facts, release, force),
    roomGate(release, available),
  ];
}

/** Whether these are metadata for this node, and not older ones than those before, whatever they offer. */
export function isCurrent(facts: NodeFacts, release: Release): boolean {
  const others: readonly GateName[] = [
    "min_compatible_version",
    "downgrade",
    "ledger",
    "room",
  ];
  return gatesOfRelease(facts, release, Infinity, true)
    .every(({ gate, passed }) => passed || others.includes(gate));
}

/** Where it would say no, the source has said so before: the release has not even been read. */
function signatureGate({ trust }: NodeFacts, { signedBy = [] }: Release): GateResult {
  return {
    gate: "signature",
    passed: trust === undefined || signedBy.length > 0,
    wanted: trust?.wanted ?? "none: no key is configured",
    found: signedBy.length > 0 ? signedBy.join(", ") : trust ? "none" : "not asked",
  };
}

function expiredGate(
  { now, time = { at: now, found: `${now.toISOString()} on the node's clock` } }: NodeFacts,
  { expires }: Release,
): GateResult {
  return {
    gate: "expired",
    passed: expires === undefined || time.at < new Date(expires),
    wanted: expires === undefined ? "any time: it never expires" : `a time before ${expires}`,
    found: time.found,
  };
}

/** An old release, with a good signature and not expired yet, must not be offered again: a replay. */
function metadataVersionGate(
  { floor, channel }: NodeFacts,
  { metadataVersion }: Release,
): GateResult {
  const wanted = metadataFloor(floor, channel);
  return {
    gate: "metadata_version",
    passed: wanted === undefined || (metadataVersion ?? 0) >= wanted,
    wanted: wanted === undefined ? "any" : `at least ${wanted}, which channel ${channel} has had`,
    found: metadataVersion === undefined ? "none" : `${metadataVersion}`,
  };
}

function minimumGate(facts: NodeFacts, release: Release): GateResult {
  const wanted = release.minCompatibleVersion;
  return {
    gate: "min_compatible_version",
    passed: reachable(facts, release),
    wanted: wanted === undefined ? "any version" : `at least ${wanted} running`,
    found: facts.version ?? "a running version that cannot be read",
  };
}

/** Whether the version that runs is not too old for this release. */
export function reachable(
  { version }: Pick<NodeFacts, "version">,
  { minCompatibleVersion: wanted }: Release,
): boolean {
  if (wanted === undefined) return true;
  return version !== undefined && isVersion(version) && compareVersions(version, wanted) >= 0;
}

function downgradeGate(facts: NodeFacts, release: Release): GateResult {
  const { version } = facts;
  if (version === undefined || !isVersion(version)) {
    return {
      gate: "downgrade",
      passed: false,
      wanted: `nothing older than ${version ?? "what runs"}`,
      found: `${release.version}, and a running version that cannot be compared`,
    };
  }
  const [lowest, why] = lowestAllowed(version, facts.floor, release);
  return {
    gate: "downgrade",
    passed: compareVersions(release.version, lowest) >= 0,
    wanted: `nothing older than ${lowest}${why}`,
    found: release.version,
  };
}

/** The highest of what holds older versions back, and what it is. */
function lowestAllowed(
  version: string,
  floor: Floor | undefined,
  { minAllowedVersion }: Release,
): readonly [string, string] {
  let highest: readonly [string, string] = [version, ""];
  for (
    const [other, why] of [
      [floor?.version, ", which was confirmed here"],
      [floor?.min_allowed_version, ", as a release that was confirmed here wants it"],
      [minAllowedVersion, ", as the release itself wants it"],
    ] as const
  ) {
    if (other !== undefined && compareVersions(other, highest[0]) > 0) highest = [other, why];
  }
  return highest;
}

function ledgerGate(facts: NodeFacts, release: Release, force: boolean): GateResult {
  const entry = lastEntry(facts.state.ledger, releaseDigest(release));
  const failed = entry?.outcome === "rolled_back";
  return {
    gate: "ledger",
    passed: !failed || force,
    wanted: "a release that has not failed here",
    found: failed
      ? `${entry.version} rolled back at ${entry.at}: ${entry.reason}`
      : "not tried, or well",
  };
}

function roomGate(release: Release, available: number): GateResult {
  const size = releaseSize(release);
  return {
    gate: "room",
    passed: size === undefined || size <= available,
    wanted: size === undefined ? "room for a release of unknown size" : `${size} bytes`,
    found: `${available} bytes`,
  };
}
