/**
 * The phases of an update, and the one table of how they follow each other.
 *
 * ```text
 * idle ─▶ checking ─▶ downloading ─▶ staged ─▶ activated ─▶ verifying ─▶ success
 *            ▲             │            │          │            │  ▲
 *            │             ▼            ▼          ▼            ▼  │ next boot
 *            └────────── failed      failed   rolled_back     failed ─▶ rolled_back
 * ```
 *
 * @module
 */

/** Where an update stands. */
export type Phase =
  | "idle"
  | "checking"
  | "downloading"
  | "staged"
  | "activated"
  | "verifying"
  | "success"
  | "rolled_back"
  | "failed";

/** All nine, in the order in which an update goes through them. */
export const PHASES: readonly Phase[] = [
  "idle",
  "checking",
  "downloading",
  "staged",
  "activated",
  "verifying",
  "success",
  "rolled_back",
  "failed",
];

/**
 * From each phase, the ones that may follow. A check that finds nothing goes back to where it came
 * from. `verifying` may follow every phase: whether a slot is on trial is GRUB's word, not ours.
 */
export const TRANSITIONS: Readonly<Record<Phase, readonly Phase[]>> = {
  idle: ["checking", "verifying", "rolled_back"],
  checking: PHASES,
  downloading: ["downloading", "checking", "staged", "verifying", "failed", "rolled_back"],
  staged: ["checking", "activated", "verifying", "rolled_back", "failed"],
  activated: ["checking", "activated", "verifying", "rolled_back", "failed"],
  verifying: ["checking", "verifying", "success", "failed", "rolled_back"],
  success: ["checking", "verifying", "rolled_back"],
  rolled_back: ["checking", "verifying", "rolled_back"],
  failed: ["checking", "activated", "verifying", "rolled_back", "failed"],
};

/** Whether `value` names a phase. */
export function isPhase(value: unknown): value is Phase {
  return PHASES.includes(value as Phase);
}

/** Whether `to` may follow `from`. */
export function mayFollow(from: Phase, to: Phase): boolean {
  return TRANSITIONS[from].includes(to);
}
