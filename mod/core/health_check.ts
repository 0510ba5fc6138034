/**
 * What must hold before a slot on trial is confirmed.
 *
 * @module
 */

/** One question to the node. */
export interface HealthCheck {
  /** For reports: `data-partition`, `probe`, … */
  readonly name: string;
  /** Resolves when the answer is yes; throws, with the reason as its message, when it is no. */
  run(signal: AbortSignal): Promise<void>;
}

/** What one check answered. */
export interface HealthResult {
  /** {@linkcode HealthCheck.name}. */
  readonly name: string;
  /** Whether the answer was yes. */
  readonly passed: boolean;
  /** How long it took. */
  readonly milliseconds: number;
  /** Why not, where it did not pass. */
  readonly reason?: string;
}
