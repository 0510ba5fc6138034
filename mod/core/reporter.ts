/**
 * The one outlet for what happens: log lines, progress, metrics. It cannot fail an update.
 *
 * @module
 */

import type { Phase } from "./phases.ts";
import type { ArtifactName } from "./release.ts";

/** Something that happened. */
export type UpdateEvent =
  | { readonly kind: "phase"; readonly from: Phase; readonly to: Phase; readonly version?: string }
  | { readonly kind: "step"; readonly message: string }
  | { readonly kind: "warning"; readonly message: string }
  /** For who looks for a fault. */
  | { readonly kind: "detail"; readonly message: string }
  /** What follows belongs to this attempt ({@linkcode UpdateState.attempt_id}), or to none. */
  | { readonly kind: "attempt"; readonly id?: string }
  | {
    readonly kind: "progress";
    /** What is being moved. */
    readonly artifact: ArtifactName;
    /** `fetch`: from the source into the slot; `verify`: read back from the slot. */
    readonly action: "fetch" | "verify";
    /** Bytes so far. */
    readonly done: number;
    /** Bytes in all, where known. */
    readonly total?: number;
  }
  | {
    readonly kind: "health";
    /** Name of the check. */
    readonly check: string;
    readonly passed: boolean;
    readonly milliseconds: number;
    /** Why not. */
    readonly reason?: string;
  };

/** Takes events. Whatever it throws is dropped by {@linkcode quietly}. */
export interface Reporter {
  /** Called for every event, in order. */
  report(event: UpdateEvent): void;
}

/** A reporter whose errors stay inside it. */
export function quietly(reporter: Reporter): Reporter {
  return {
    report(event) {
      try {
        reporter.report(event);
      } catch {
        // a full log or a closed terminal must not stop an update
      }
    },
  };
}
