/**
 * The gates: one pure function from facts to a decision, so that every refusal can be explained.
 *
 * @module
 */

import type { BootVariables } from "./boot_env.ts";
import { UpdateError } from "./errors.ts";
import { type Floor, metadataFloor } from "./floor.ts";
import type { KnownTime } from "./known_time.ts";
import { type Release, releaseDigest, releaseSize } from "./release.ts";
import type { Boot, Slot } from "./slot.ts";
import { lastEntry, type UpdateState } from "./state.ts";
import type { Trust } from "./trust.ts";
import { compareVersions, isVersion } from "./version.ts";
import { isOpen, localTime, type MaintenanceWindow, nextOpening } from "./window.ts";

/** The gates, by the names that refusals carry, in the order in which they are asked. */
export type GateName =
  | "window"
  | "label"
  | "confirmed"
  | "signature"
  | "expired"
  | "metadata_version"
  | "channel"
  | "architecture"
  | "min_compatible_version"
  | "downgrade"
  | "ledger"
  | "room";

/** One gate's answer. */
export interface GateResult {
  /** Which gate. */
  readonly gate: GateName;
  /** Whether it lets the release through. */
  readonly passed: boolean;
  /** What it wants. */
  readonly wanted: string;
  /** What it found. */
  readonly found: string;
}

/** What the node's label `updates.kubesolo.io/block` says. */
export interface NodeLabel {
  /** It holds updates back. */
  readonly blocked: boolean;
  /** What was found. */
  readonly found: string;
  /** Why there is no answer; nothing is held back then. */
  readonly unanswered?: string;
}

/** What the gates know of the node. */
export interface NodeFacts {
  /** How the node was booted. */
  readonly boot: Boot;
  /** The slot that runs. */
  readonly running: Slot;
  /** Version of the running slot, where it says. */
  readonly version?: string;
  /** The node's, as `uname -m` says it. */
  readonly architecture: string;
  /** The channel that the node follows. */
  readonly channel: string;
  /** What GRUB goes by. */
  readonly environment?: BootVariables;
  /** Phase and ledger. */
  readonly state: UpdateState;
  /** Local time of the node. */
  readonly now: Date;
  /** What expiry is judged by; `now` where absent. */
  readonly time?: KnownTime;
  /** What nothing may be older than. */
  readonly floor?: Floor;
  /** Undefined: always. */
  readonly window?: MaintenanceWindow;
  /** What the node's label says; undefined where nobody was asked. */
  readonly label?: NodeLabel;
  /** Whom the node believes; undefined where no key is configured. */
  readonly trust?: Trust;
}

/** The gates that need no network but the node's own: asked before any. */
export function gatesBeforeNetwork(facts: NodeFacts, force: boolean): GateResult[] {
  return [windowGate(facts, force), labelGate(facts, force), confirmedGate(facts)];
}

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

/** The first gate that said no. */
export function firstRefusal(gates: readonly GateResult[]): GateResult | undefined {
  return gates.find((gate) => !gate.passed);
}

const ADVICE: Readonly<Record<GateName, string>> = {
  window: "wait for the window, or add --force",
  label: "remove the label from the node, or add --force",
  confirmed: "run `kubesolo-update healthcheck` first, or reboot",
  signature: "take updates from a source with signatures",
  expired:
    "set the node's clock if it is wrong, or say the time with --offline-time; else publish the release anew",
  metadata_version: "publish the metadata with a higher metadata_version than those before",
  channel: "set channel= in update.conf or --channel, or publish to the node's channel",
  architecture: "publish a release for this architecture",
  min_compatible_version: "publish a release in between, and name it as a stepping stone",
  downgrade: "publish a newer release; `rollback` goes back to the other slot",
  ledger: "publish a repaired release, or add --force",
  room: "publish a smaller release, or use larger slots",
};

/** All of them. */
export const GATES: readonly GateName[] = Object.keys(ADVICE) as GateName[];

/** What can be done about a refusal. */
export function adviceFor({ gate }: GateResult): string {
  return ADVICE[gate];
}

/** A refusal as the error that a command ends with. */
export function refusalError(refusal: GateResult, version?: string): UpdateError {
  return new UpdateError("refused", {
    operation: `gate ${refusal.gate}${version ? ` for ${version}` : ""}`,
    found: `wanted ${refusal.wanted}, found ${refusal.found}`,
    advice: `${adviceFor(refusal)}; \`kubesolo-update check --explain\` shows all gates`,
  });
}

function windowGate({ window, now }: NodeFacts, force: boolean): GateResult {
  const open = window === undefined || isOpen(window, now);
  const opening = window && !open ? nextOpening(window, now) : undefined;
  return {
    gate: "window",
    passed: open || force,
    wanted: window?.text ?? "any time",
    found: localTime(now) + (opening ? `, and it opens ${localTime(opening)}` : ""),
  };
}

function labelGate({ label }: NodeFacts, force: boolean): GateResult {
  return {
    gate: "label",
    passed: force || !label?.blocked,
    wanted: "no label that blocks updates",
    found: label?.found ?? "not asked",
  };
}

/**
 * While the passive slot is written, GRUB must have no reason to boot it: the running slot is
 * confirmed, or may be (an activation that was not booted yet is taken back), or was fallen back to.
 */
export function confirmedGate(
  { boot, running, environment }: Pick<NodeFacts, "boot" | "running" | "environment">,
): GateResult {
  const wanted = `slot ${running}, which runs, to be confirmed`;
  const answer = (passed: boolean, found: string): GateResult => ({
    gate: "confirmed",
    passed,
    wanted,
    found,
  });
  if (boot.why === "manual") return answer(false, "a slot chosen by hand in GRUB's menu");
  if (!environment) {
    return boot.slot || boot.root
      ? answer(true, "no boot environment: it will be made anew")
      : answer(false, "no boot environment");
  }
  const { active, success } = environment;
  if (active === running) {
    return success
      ? answer(true, `slot ${running} confirmed`)
      : answer(false, `slot ${running} still on trial`);
  }
  if (!success) {
    return answer(true, `slot ${active} activated but not booted: it will be taken back`);
  }
  return boot.why === "fallback"
    ? answer(true, `slot ${active}, which could not be loaded`)
    : answer(false, `slot ${active} to be booted next`);
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
