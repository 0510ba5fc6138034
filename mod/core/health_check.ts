/**
 * What must hold before a slot on trial is confirmed.
 *
 * @module
 */

/** One question to the node. */
export interface HealthCheck {
  /** For reports: `data-partition`, `probe`, … */
  readonly name: string;
  /** A no is a warning, and holds nothing up. */
  readonly wanted?: boolean;
  /** Resolves when the answer is yes; throws, with the reason as its message, when it is no. */
  run(signal: AbortSignal): Promise<void>;
}

/** What one check answered. */
export interface HealthResult {
  /** {@linkcode HealthCheck.name}. */
  readonly name: string;
  /** Whether the answer was yes. */
  readonly passed: boolean;
  /** {@linkcode HealthCheck.wanted}. */
  readonly wanted?: boolean;
  /** How long it took, all tries together. */
  readonly milliseconds: number;
  /** How often it was asked. */
  readonly tries: number;
  /** Why not, in the words of the last try, where it did not pass. */
  readonly reason?: string;
}
