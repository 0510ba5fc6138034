/**
 * What is known of a node when its metrics are asked for: whatever could be read, and nothing else.
 *
 * @module
 */

import type { Boot, BootStatus, Slot, UpdateState } from "../core/mod.ts";

/** What is read each on its own, so that one that cannot be read hides no other. */
export const PARTS = ["state", "boot", "boot_environment", "version", "memory"] as const;

/** One of {@linkcode PARTS}. */
export type Part = typeof PARTS[number];

/** Memory of the node, in bytes. */
export interface Memory {
  /** What the kernel manages. */
  readonly total: number;
  /** What could be given to programs without swapping. */
  readonly available: number;
}

/** The program that reads. */
export interface AgentBuild {
  /** Its version. */
  readonly version: string;
  /** As `uname -m` says it. */
  readonly architecture: string;
  /** Version of the runtime in it. */
  readonly runtime: string;
}

/** What could be read. */
export interface NodeReading {
  /** Who reads. */
  readonly agent: AgentBuild;
  /** How the node was booted. */
  readonly boot?: Boot;
  /** The slot that runs. */
  readonly running?: Slot;
  /** The version in it. */
  readonly version?: string;
  /** What GRUB goes by. */
  readonly environment?: BootStatus;
  /** Memory. */
  readonly memory?: Memory;
  /** Phase, ledger and records. */
  readonly state?: UpdateState;
  /** Why a part could not be read. */
  readonly problems: Readonly<Partial<Record<Part, string>>>;
}
