/**
 * The machine itself: its disks, what it knows of its boot, the state file and its lock, the health
 * checks that every node has, and the reboot.
 *
 * @module
 */

export type { Disk, DiskFile, OpenMode } from "../core/mod.ts";
export * from "./disk.ts";
