/**
 * System partitions: found by name, mounted out of the way, written, and read back.
 *
 * @module
 */

export type {
  Artifact,
  ArtifactName,
  ArtifactSink,
  Disk,
  DiskFile,
  ErrorCode,
  ErrorParts,
  Fetch,
  Mark,
  Marks,
  Mounts,
  OpenMode,
  Partition,
  Partitions,
  Phase,
  Release,
  Reporter,
  Room,
  Slot,
  SlotContents,
  SlotStore,
  UpdateEvent,
} from "../core/mod.ts";
export { EXIT, UpdateError } from "../core/mod.ts";
export * from "./mounts.ts";
export * from "./partitions.ts";
export * from "./slot_store.ts";
export * from "./unclean_file_system.ts";
