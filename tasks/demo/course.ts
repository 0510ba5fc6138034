/**
 * How a round trip has to go, and what of it did not.
 *
 * @module
 */

import type { Story } from "./story.ts";

/** How a trip has to go. */
export interface Course {
  /** Slot, GRUB's reason and version of each boot. */
  readonly boots: readonly string[];
  /** The slot that runs, slot B's version, the phase, and the ledger. */
  readonly end: string;
}

const GOOD_BOOTS = ["A normal 1.0.0", "B trial 2.0.0"] as const;

/** To 2.0.0, and no further. */
export const THERE: Course = { boots: GOOD_BOOTS, end: "B, 2.0.0, success, 2.0.0 success" };

/** To 2.0.0, on to 3.0.0, which is broken, and back. */
export const THERE_AND_BACK: Course = {
  boots: [
    ...GOOD_BOOTS,
    "A trial 3.0.0",
    "A trial 3.0.0",
    "A trial 3.0.0",
    "B rollback 2.0.0",
  ],
  end: "B, 2.0.0, rolled_back, 2.0.0 success, 3.0.0 rolled_back",
};

/** What went otherwise than it should, one line each. */
export function problemsOf({ boots, status }: Story, course: Course): string[] {
  const problems: string[] = [];
  const seen = boots.map(({ slot, why, version }) => `${slot} ${why} ${version}`);
  for (let i = 0; i < Math.max(seen.length, course.boots.length); i++) {
    if (seen[i] === course.boots[i]) continue;
    problems.push(
      `boot ${i + 1}: wanted ${course.boots[i] ?? "none"}, found ${seen[i] ?? "none"}`,
    );
  }
  const end = status as
    | {
      running: string;
      slots: Record<string, { version: string }>;
      state: { phase: string; ledger: { version: string; outcome: string }[] };
    }
    | undefined;
  const found = end && [
    end.running,
    end.slots.B.version,
    end.state.phase,
    ...end.state.ledger.map(({ version, outcome }) => `${version} ${outcome}`),
  ].join(", ");
  if (found !== course.end) {
    problems.push(`end: wanted ${course.end}, found ${found ?? "no status"}`);
  }
  return problems;
}
