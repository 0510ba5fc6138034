/**
 * A node's disk, made out of an image: which disks may be written over, the image written and read back,
 * the data partition grown and filled, the partition table last of all.
 *
 * @module
 */

export type { Disk, DiskFile, OpenMode } from "../core/mod.ts";
export * from "./copy_extents.ts";
export * from "./ext4_commands.ts";
export * from "./file_system.ts";
export * from "./fit_table.ts";
export * from "./gpt.ts";
export * from "./grow_data.ts";
export * from "./medium.ts";
export * from "./pack_table.ts";
export * from "./probe_capacity.ts";
export * from "./size_for_people.ts";
export * from "./survey_disks.ts";
export * from "./write_disk.ts";
