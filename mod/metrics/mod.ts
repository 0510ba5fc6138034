/**
 * Metrics of a node and its updates: what is measured, the two text formats of Prometheus, and the
 * answers to a scraper.
 *
 * @module
 */

export type {
  Artifact,
  ArtifactName,
  Boot,
  BootCopy,
  BootReason,
  BootStatus,
  BootVariables,
  Candidate,
  Download,
  Ending,
  Health,
  HealthResult,
  LedgerEntry,
  Mark,
  Offered,
  Phase,
  Refusal,
  Slot,
  StateRecords,
  UpdateState,
  Written,
} from "../core/mod.ts";
export * from "./choose_format.ts";
export * from "./family.ts";
export * from "./kept.ts";
export * from "./node_reading.ts";
export * from "./os_families.ts";
export * from "./scrape.ts";
export * from "./text_format.ts";
export * from "./update_families.ts";
