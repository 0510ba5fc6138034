/**
 * The machine itself: its disks, what it knows of its boot, the state file and its lock, the health
 * checks that every node has, and the reboot.
 *
 * @module
 */

export type { Boot, BootReason, Disk, DiskFile, OpenMode, Slot } from "../core/mod.ts";
export * from "./boot.ts";
export * from "./disk.ts";
export * from "./reboot.ts";
export * from "./view.ts";
