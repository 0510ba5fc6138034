/**
 * One node, as the flows see it, and where it stands when a command starts.
 *
 * @module
 */

import { type BootEnv, type BootStatus, confirmedSlot } from "./boot_env.ts";
import { UpdateError } from "./errors.ts";
import { confirming, type Floor, highest } from "./floor.ts";
import type { NodeFacts, NodeLabel } from "./gates.ts";
import { knownTime } from "./known_time.ts";
import type { Reporter } from "./reporter.ts";
import { settle } from "./settle.ts";
import { type Boot, otherSlot, runningSlot, type Slot } from "./slot.ts";
import type { SlotStore } from "./slot_store.ts";
import { move, type StateStore, type UpdateState } from "./state.ts";
import type { Phase } from "./phases.ts";
import type { Trust } from "./trust.ts";
import { isOpen, type MaintenanceWindow } from "./window.ts";

/** Everything that a flow touches. */
export interface Node {
  /** How it was booted. */
  readonly boot: Boot;
  /** Its system partitions. */
  readonly slots: SlotStore;
  /** What GRUB goes by. */
  readonly bootEnv: BootEnv;
  /** What the agent remembers. */
  readonly states: StateStore;
  /** Hears what happens. */
  readonly reporter: Reporter;
  /** As `uname -m` says it. */
  readonly architecture: string;
  /** When the agent was built, where it knows: it is later now, whatever the clock shows. */
  readonly builtAt?: Date;
  /** The node's clock. */
  now(): Date;
  /** Resolves after so many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

/** What the operator wants of updates. */
export interface Policy {
  /** The channel that the node follows. */
  readonly channel: string;
  /** Maintenance window. */
  readonly window?: MaintenanceWindow;
  /** Asks for the node's label that blocks updates; undefined where there is nobody to ask. */
  label?(): Promise<NodeLabel | undefined>;
  /** Whom the node believes; undefined where no key is configured. */
  readonly trust?: Trust;
  /** Skips window, label and ledger; never architecture or verification. */
  readonly force: boolean;
  /** What time it is, as the operator says; undefined: as the node's clock does. */
  readonly offlineTime?: Date;
  /** Seconds without a byte after which a connection is given up. */
  readonly stallSeconds: number;
}

/** Where a node stands: which slot runs, what GRUB goes by, what came of the last update. */
export interface Standing {
  /** The slot that runs. */
  readonly running: Slot;
  /** What GRUB goes by. */
  readonly environment: BootStatus;
  /** What the agent remembers, with a roll back since then. */
  readonly state: UpdateState;
  /** What a person should hear of, one line each. */
  readonly notices: readonly string[];
}

/**
 * Looks at the node. A roll back by the boot loader since the last run shows in the state; nothing is
 * written.
 *
 * @throws {UpdateError} `slot` where the running slot is in doubt, or the environment out of reach.
 */
export async function survey(
  node: Node,
): Promise<Standing & { readonly changed: boolean; readonly before: Phase }> {
  const environment = await node.bootEnv.read();
  const running = runningSlot(node.boot, confirmedSlot(environment));
  const { state, warning } = await node.states.load();
  const settled = settle(state, node.boot, running, environment, node.now());
  return {
    running,
    environment,
    state: settled.state,
    notices: warning ? [warning, ...settled.notices] : settled.notices,
    changed: settled.rolledBack,
    // a check that was cut off by the reboot says nothing
    before: state.phase === "checking" ? state.resting : state.phase,
  };
}

/** {@linkcode survey}, with every notice reported and a roll back written down. */
export async function takeStock(node: Node): Promise<Standing> {
  const standing = await survey(node);
  const { candidate, attempt_id: id } = standing.state;
  if (candidate || standing.changed) node.reporter.report({ kind: "attempt", id });
  for (const message of standing.notices) node.reporter.report({ kind: "warning", message });
  if (standing.changed) {
    node.reporter.report({ kind: "warning", message: standing.state.last_error ?? "rolled back" });
    await node.states.save(standing.state);
    const { before: from, state: { phase: to, to_version: version } } = standing;
    node.reporter.report({ kind: "phase", from, to, version });
    node.reporter.report({ kind: "attempt", id: undefined });
  }
  return standing;
}

/** The version that runs: what the slot says, else what the agent wrote there. */
export async function runningVersion(
  node: Node,
  { running, state }: Pick<Standing, "running" | "state">,
): Promise<string | undefined> {
  return (await node.slots.inspect(running)).version ?? state.slots[running]?.version;
}

/** The version that runs, and the floor: the highest of the state's and both slots'. */
export async function lookInside(
  node: Node,
  { running, state, environment }: Pick<Standing, "running" | "state" | "environment">,
): Promise<{ version?: string; floor: Floor }> {
  const contents = await node.slots.inspect(running);
  const other = await passiveFloor(node, otherSlot(running));
  const isConfirmed = confirmedSlot(environment) === running;
  return {
    version: contents.version ?? state.slots[running]?.version,
    floor: highest(
      state.floor,
      confirming(contents.floor, undefined, isConfirmed ? contents.floor?.raises : undefined),
      other,
    ),
  };
}

/** Who writes to that slot finds out what is wrong with it; here it only counts for nothing. */
async function passiveFloor(node: Node, slot: Slot): Promise<Floor | undefined> {
  try {
    return (await node.slots.inspect(slot)).floor;
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
  }
}

/** The facts that the gates go by. The label is asked for where it matters, and in the window alone. */
export async function factsOf(node: Node, standing: Standing, policy: Policy): Promise<NodeFacts> {
  const now = node.now();
  const { window, force } = policy;
  const closed = window !== undefined && !isOpen(window, now);
  const { version, floor } = await lookInside(node, standing);
  const { offlineTime: offline } = policy;
  const { state } = standing;
  return {
    boot: node.boot,
    running: standing.running,
    version,
    architecture: node.architecture,
    channel: policy.channel,
    environment: standing.environment.effective,
    state: standing.state,
    now,
    time: knownTime({ clock: now, offline, builtAt: node.builtAt, floor, state }),
    floor,
    window,
    label: closed || force ? undefined : await policy.label?.(),
    trust: policy.trust,
  };
}

/** Moves to a phase, durably, and says so. */
export async function enter(
  node: Node,
  state: UpdateState,
  phase: Phase,
  changes: Partial<UpdateState> = {},
): Promise<UpdateState> {
  const next = move(state, phase, node.now(), changes);
  await node.states.save(next);
  if (phase !== state.phase) {
    node.reporter.report({ kind: "phase", from: state.phase, to: phase, version: next.to_version });
  }
  return next;
}
