import { UpdateError } from "./errors.ts";
import type { Node } from "./node.ts";
import { otherSlot, type Slot } from "./slot.ts";
import type { UpdateState } from "./state.ts";

/**
 * The version in a slot that was read and matched just now, where it says.
 *
 * @throws {UpdateError} `slot` or `verification` where it holds no complete system.
 */
export async function completeSlot(
  node: Node,
  state: UpdateState,
  slot: Slot,
): Promise<string | undefined> {
  const { version, problem } = await node.slots.inspect(slot);
  const written = state.slots[slot];
  const image = written?.artifacts[0]?.name === "image";
  if (problem && !image) {
    throw new UpdateError("slot", {
      operation: `rolling back to slot ${slot}`,
      found: problem,
      advice: `nothing was changed; slot ${otherSlot(slot)} stays`,
    });
  }
  await node.slots.verify(slot, image ? written?.artifacts : undefined);
  return version ?? written?.version;
}
