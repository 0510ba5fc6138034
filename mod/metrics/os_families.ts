/**
 * The operating system: which slot runs, what GRUB goes by, memory.
 *
 * @module
 */

import { SLOTS } from "../core/mod.ts";
import { choice, each, family, gauge, labelText, one } from "./_samples.ts";
import type { Family } from "./family.ts";
import type { NodeReading } from "./node_reading.ts";

/** The families `kubesolo_os_*`; what could not be read has no series. */
export function osFamilies(reading: NodeReading): Family[] {
  const { boot, running, version, environment, memory, agent } = reading;
  const next = environment?.effective;
  return [
    family(
      "info",
      "kubesolo_os_info",
      "The operating system that runs: its version, its slot, and why GRUB booted that slot.",
      boot && running
        ? [{
          labels: {
            version: labelText(version ?? "unknown"),
            slot: running,
            boot: boot.why ?? "unknown",
            architecture: agent.architecture,
          },
          value: 1,
        }]
        : [],
    ),
    gauge(
      "kubesolo_os_boot_slot",
      "1 for the slot that GRUB boots next: active_slot in grubenv.",
      next ? choice("slot", SLOTS, next.active) : [],
    ),
    gauge(
      "kubesolo_os_boot_attempts_left",
      "Attempts that GRUB has left for a slot on trial, 3 to 0: boot_counter in grubenv.",
      // GRUB takes nonsense as 0
      one(next && (next.counter ?? 0)),
    ),
    gauge(
      "kubesolo_os_boot_success",
      "1 where the slot that GRUB boots is confirmed, 0 while it is on trial: boot_success in grubenv.",
      one(next?.success),
    ),
    gauge(
      "kubesolo_os_grubenv_readable",
      "1 for each copy of the boot environment that GRUB can go by.",
      each(
        "copy",
        environment?.copies.map(({ name }) => name) ?? [],
        (name) =>
          environment?.copies.some((copy) => copy.name === name && "variables" in copy) ?? false,
      ),
    ),
    gauge(
      "kubesolo_os_memory_total_bytes",
      "Memory that the kernel manages.",
      one(memory?.total),
      "bytes",
    ),
    gauge(
      "kubesolo_os_memory_available_bytes",
      "Memory that programs could still have without swapping.",
      one(memory?.available),
      "bytes",
    ),
  ];
}
