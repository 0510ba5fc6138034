import { reasonOf, UpdateError } from "../core/mod.ts";

/** A disk's error as the error of the boot environment, with what a person can do about it. */
export function diskError(operation: string, error: unknown): UpdateError {
  if (error instanceof UpdateError) return error;
  const found = reasonOf(error);
  return new UpdateError("slot", {
    operation,
    found,
    advice: adviceFor(error, found),
    cause: error,
  });
}

function adviceFor(error: unknown, found: string): string {
  if (/os error 30\b|read-only/i.test(found)) {
    return "the EFI system partition is read-only: look for file-system errors in the kernel's log, and check it with fsck.vfat";
  }
  if (/os error 28\b|no space/i.test(found)) {
    return "make room on the EFI system partition";
  }
  if (/os error 5\b|input\/output/i.test(found)) {
    return "the disk may be failing: look into the kernel's log, and replace it";
  }
  if (error instanceof Deno.errors.NotFound) {
    return "check that the directory of grubenv is the one that GRUB reads";
  }
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return "run it as root, with --grubenv in a place that the agent may write";
  }
  return "look for file-system errors in the kernel's log";
}
