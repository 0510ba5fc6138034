/**
 * Switching a node on, until GRUB runs.
 *
 * @module
 */

import { Vm, type VmOptions } from "../vm.ts";

/** Seconds for the firmware to come to GRUB: fifteen times what it needs emulated. */
const FIRMWARE_LIMIT_SECONDS = 150;

/** How often a node is switched on: of AAVMF's cold starts, one in some twenty hangs. */
const ATTEMPTS = 3;

/**
 * Resolves with the machine when GRUB has read the boot environment. One whose firmware hangs is switched
 * off and on again, which costs nothing: nothing was written yet. `told` hears of it.
 *
 * @throws {Error} with the last lines of the serial line, where it hangs every time.
 */
export async function switchOn(
  options: VmOptions,
  told: (note: string) => void,
  limitSeconds: number = FIRMWARE_LIMIT_SECONDS,
): Promise<Vm> {
  for (let attempt = 1;; attempt++) {
    const vm = await Vm.start(options);
    try {
      await vm.waitFor(/KSOLO-GRUB env=/, { limitSeconds });
      return vm;
    } catch (error) {
      await vm.kill();
      if (attempt === ATTEMPTS) throw error;
      told("the firmware does not come to GRUB: the node is switched off and on again");
    }
  }
}
