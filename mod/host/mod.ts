/**
 * The machine itself: its disks, what it knows of its boot, the state file and its lock, the health
 * checks that every node has, the watchdogs, and the reboot.
 *
 * @module
 */

export type { Artifact, ArtifactName, Boot, BootReason, Candidate, Disk } from "../core/mod.ts";
export type { DiskFile, Ending, HealthCheck, LedgerEntry, Mark, OpenMode } from "../core/mod.ts";
export type { Phase, Refusal, Reporter, Slot, StateStore, UpdateEvent } from "../core/mod.ts";
export type { UpdateState, Written } from "../core/mod.ts";
export * from "./boot.ts";
export * from "./data_partition_check.ts";
export * from "./disk.ts";
export * from "./init_system.ts";
export * from "./kernel_facts.ts";
export * from "./memory.ts";
export * from "./own_executable.ts";
export * from "./place_file.ts";
export * from "./probe_check.ts";
export * from "./reboot.ts";
export * from "./script_checks.ts";
export * from "./service_manager.ts";
export * from "./state_store.ts";
export * from "./tools.ts";
export * from "./update_lock.ts";
export * from "./view.ts";
export * from "./watchdogs.ts";
