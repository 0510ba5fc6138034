/**
 * What the agent remembers from one run to the next: the phase, the release on its way, and the
 * ledger of what was tried.
 *
 * @module
 */

import type { Floor } from "./floor.ts";
import { clockShown } from "./known_time.ts";
import { mayFollow, type Phase } from "./phases.ts";
import type { Artifact } from "./release.ts";
import type { Slot } from "./slot.ts";
import type { Mark } from "./slot_store.ts";
import type { StateRecords } from "./state_records.ts";

/** Entries that the ledger keeps; the oldest go first. */
export const MAX_LEDGER_ENTRIES = 64;

/** Most bytes of a state file that is read. */
export const MAX_STATE_BYTES = 1 << 20;

/** How a release that was booted ended. */
export type Ending = "success" | "rolled_back";

/** One line of the ledger. */
export interface LedgerEntry {
  /** {@linkcode releaseDigest}. */
  readonly digest: string;
  /** Version of that release. */
  readonly version: string;
  /** How it ended. */
  readonly outcome: Ending;
  /** Why, in words. */
  readonly reason: string;
  /** Boots that it was given. */
  readonly attempts: number;
  /** RFC 3339. */
  readonly at: string;
}

/** The release that is in the passive slot, or on trial. */
export interface Candidate {
  /** {@linkcode releaseDigest}. */
  readonly digest: string;
  /** Version of the release. */
  readonly version: string;
  /** Where it is. */
  readonly slot: Slot;
  /** {@linkcode Boot.id} of the boot that it was last staged or activated in. */
  readonly boot_id: string;
  /** Boots in which a health check of it ran. */
  readonly boots: number;
  /** The boot of the last of those. */
  readonly last_boot_id?: string;
  /** Why the last health check failed. */
  readonly unhealthy?: string;
  /** Health checks that failed since it was activated, one after another. */
  readonly failed_checks?: number;
  /** {@linkcode Release.minAllowedVersion}, which counts once it is confirmed. */
  readonly min_allowed_version?: string;
  /** {@linkcode Release.signedBy}. Agents before it left it out. */
  readonly signed_by?: readonly string[];
}

/** What the agent itself last wrote to a slot. */
export interface Written {
  /** Version of the release. */
  readonly version: string;
  /** {@linkcode releaseDigest}. */
  readonly digest: string;
  /** What it was matched to when it was read back. */
  readonly artifacts: readonly Artifact[];
  /** RFC 3339. */
  readonly at: string;
}

/** A gate's last no. */
export interface Refusal {
  /** Name of the gate. */
  readonly gate: string;
  /** What it wanted. */
  readonly wanted: string;
  /** What it found. */
  readonly found: string;
  /** Version of the release, where one was looked at. */
  readonly version?: string;
  /** RFC 3339. */
  readonly at: string;
}

/** The contents of `state.json`. */
export interface UpdateState extends StateRecords {
  /** Where the update stands. */
  readonly phase: Phase;
  /** The phase to return to when a check finds nothing to do. */
  readonly resting: Phase;
  /** Version that ran when the last download began. */
  readonly from_version?: string;
  /** Version that was last downloaded. */
  readonly to_version?: string;
  /** Starts of an attempt at `to_version`. */
  readonly attempt_count: number;
  /** Names the last attempt in logs: eight hexadecimal digits. */
  readonly attempt_id?: string;
  /** Why the last update failed or was rolled back; cleared by success. */
  readonly last_error?: string;
  /** The last no of a gate; cleared when the gates pass. */
  readonly last_refusal?: Refusal;
  /** When the last attempt began, RFC 3339. */
  readonly started_at?: string;
  /** When the phase last changed, RFC 3339. */
  readonly updated_at?: string;
  /**
   * The latest moment at which the phase ever changed, RFC 3339: a clock that is set back does not lower it,
   * the operator's word may. Agents before it left it out.
   */
  readonly clock_shown?: string;
  /** The release on its way, where there is one. */
  readonly candidate?: Candidate;
  /** How far an interrupted download got. */
  readonly download?: Mark;
  /** What the agent last wrote, by slot. */
  readonly slots: Readonly<Partial<Record<Slot, Written>>>;
  /** What was tried and how it ended, oldest first. */
  readonly ledger: readonly LedgerEntry[];
  /** What nothing may be older than. Agents before it left it out. */
  readonly floor?: Floor;
}

/** A node on which nothing has happened yet. */
export const NEW_STATE: UpdateState = {
  phase: "idle",
  resting: "idle",
  attempt_count: 0,
  slots: {},
  ledger: [],
};

/** Keeps the state. Implemented by `mod/host/`. */
export interface StateStore {
  /** The state; where there is none, or it is garbled and was set aside, {@linkcode NEW_STATE}. */
  load(): Promise<{ readonly state: UpdateState; readonly warning?: string }>;
  /** Resolves when it is durable. */
  save(state: UpdateState): Promise<void>;
}

/** The state in another phase. A step that the table does not have is a defect of the agent. */
export function move(
  state: UpdateState,
  phase: Phase,
  at: Date,
  changes: Partial<UpdateState> = {},
): UpdateState {
  if (!mayFollow(state.phase, phase)) {
    throw new Error(`phase ${phase} cannot follow ${state.phase}`);
  }
  const next = { ...state, ...changes, phase, updated_at: at.toISOString() };
  return { ...next, clock_shown: clockShown(next)?.toISOString() };
}

/** The ledger with one more line. */
export function record(
  ledger: readonly LedgerEntry[],
  entry: LedgerEntry,
): readonly LedgerEntry[] {
  return [...ledger, entry].slice(-MAX_LEDGER_ENTRIES);
}

/** The ledger's last word on a digest. */
export function lastEntry(
  ledger: readonly LedgerEntry[],
  digest: string,
): LedgerEntry | undefined {
  return ledger.findLast((entry) => entry.digest === digest);
}
