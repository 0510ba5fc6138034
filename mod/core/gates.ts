/**
 * The gates: from facts to a decision and nothing else, so that every refusal can be explained.
 *
 * @module
 */

import type { BootVariables } from "./boot_env.ts";
import { UpdateError } from "./errors.ts";
import type { Floor } from "./floor.ts";
import { gatesBeforeNetwork } from "./gates_of_node.ts";
import { gatesOfRelease } from "./gates_of_release.ts";
import type { KnownTime } from "./known_time.ts";
import type { Release } from "./release.ts";
import type { Boot, Slot } from "./slot.ts";
import type { UpdateState } from "./state.ts";
import type { Trust } from "./trust.ts";
import type { MaintenanceWindow } from "./window.ts";

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

/** All gates, in order. `available`: bytes that the passive slot can take. */
export function allGates(
  facts: NodeFacts,
  release: Release,
  available: number,
  force: boolean,
): GateResult[] {
  return [
    ...gatesBeforeNetwork(facts, force),
    ...gatesOfRelease(facts, release, available, force),
  ];
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
