/**
 * GRUB's boot environment: the format of its block, the tool that edits it, and the two files that
 * say which slot is booted.
 *
 * @module
 */

export type { BootCopy, BootEnv, BootStatus, BootVariables, Disk, DiskFile } from "../core/mod.ts";
export type { OpenMode, Slot } from "../core/mod.ts";
export * from "./block.ts";
export * from "./block_editor.ts";
export * from "./grub_boot_env.ts";
export * from "./read_copy.ts";
