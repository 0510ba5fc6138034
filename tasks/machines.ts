/**
 * The kinds of machines that QEMU is here.
 *
 * @module
 */

import { fileOf, type KnownProgram, type Needed } from "./debian.ts";
import type { Architecture } from "./elf.ts";

/** A kind of machine: QEMU and UEFI firmware of Debian's packages. */
export interface Machine {
  readonly qemu: string;
  readonly arguments: readonly string[];
  readonly firmware: { readonly code: string; readonly variables: string };
}

/** Of each architecture. */
export const MACHINES: Readonly<Record<Architecture, Machine>> = {
  x86_64: {
    qemu: "/usr/bin/qemu-system-x86_64",
    arguments: ["-machine", "q35", "-cpu", "max"],
    firmware: {
      code: "/usr/share/OVMF/OVMF_CODE_4M.fd",
      variables: "/usr/share/OVMF/OVMF_VARS_4M.fd",
    },
  },
  aarch64: {
    qemu: "/usr/bin/qemu-system-aarch64",
    // QEMU signs pointers much faster in a way of its own than in the architecture's
    arguments: ["-machine", "virt", "-cpu", "max,pauth-impdef=on"],
    firmware: {
      code: "/usr/share/AAVMF/AAVMF_CODE.fd",
      variables: "/usr/share/AAVMF/AAVMF_VARS.fd",
    },
  },
};

/** What machines of `architecture`, with UEFI firmware or a BIOS, need of Debian. */
export function machineNeeds(
  architecture: Architecture,
  uefi: boolean,
): readonly (KnownProgram | Needed)[] {
  const { code } = MACHINES[architecture].firmware;
  const program = `qemu-system-${architecture}` as const;
  if (architecture === "aarch64") return [program, fileOf("qemu-efi-aarch64", code)];
  return uefi ? [program, fileOf("ovmf", code)] : [program];
}
