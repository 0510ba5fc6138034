/**
 * The slots: whether what is in them would boot, and whether another release has room.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";
import {
  type ArtifactName,
  LABELS,
  otherSlot,
  type Release,
  type Slot,
  UpdateError,
} from "../../core/mod.ts";
import { type Check, type Finding, needed, ok, problem, Skipped, warning } from "./check.ts";
import { onNode, type Sight } from "./sight.ts";

/** Seconds in which a slot is to be read: 20 MB/s for 2 GiB. */
const READ_SECONDS = 100;

const FILES: readonly ArtifactName[] = ["vmlinuz", "kubesolo-os.gz"];

/** Checks of the slots. Every byte of them is read. */
export function slotChecks(sight: Sight): readonly Check[] {
  const running = () => needed(sight.running(), "which slot runs");
  const passive = async () => {
    const holder = await sight.holder().catch(() => undefined);
    if (holder) throw new Skipped(`an agent may be writing it: ${holder}`);
    return otherSlot(await running());
  };
  return [
    {
      name: "running slot",
      seconds: READ_SECONDS,
      look: onNode(sight, async () => {
        const slot = await running();
        const fault = await faultOf(sight, slot);
        if (!fault) return ok(await contents(sight, slot));
        const advice = "update to a new release before the next reboot, or GRUB will not boot it";
        return problem(fault, advice);
      }),
    },
    {
      name: "passive slot",
      seconds: READ_SECONDS,
      look: onNode(sight, async () => {
        const slot = await passive();
        const fault = await faultOf(sight, slot);
        if (!fault) return ok(await contents(sight, slot));
        const { phase } = await sight.settled().catch(() => ({ phase: undefined }));
        const advice = "there is no way back until it is filled: `kubesolo-update apply`";
        const unfinished = phase === "downloading" || phase === "failed";
        return unfinished ? warning(`${fault} (phase ${phase})`, advice) : problem(fault, advice);
      }),
    },
    {
      name: "room",
      look: onNode(sight, async () => judgeRoom(sight, await running(), await passive())),
    },
  ];
}

/** Why GRUB would not boot a slot; undefined: it would, every byte was read. */
async function faultOf({ parts, state }: Sight, slot: Slot): Promise<string | undefined> {
  const written = (await state().catch(() => undefined))?.slots[slot];
  const image = written?.artifacts[0]?.name === "image";
  try {
    const { problem } = await parts.slots.inspect(slot);
    if (problem && !image) return `slot ${slot}: ${problem}`;
    await parts.slots.verify(slot, image ? written?.artifacts : undefined);
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    return `${error.operation}: ${error.found}`;
  }
}

async function contents({ parts }: Sight, slot: Slot): Promise<string> {
  const { version } = await parts.slots.inspect(slot);
  return `slot ${slot} is complete: ${version ?? "of a version that it does not say"}`;
}

/** Whether a release as large as the one that runs would fit. */
async function judgeRoom({ parts }: Sight, running: Slot, passive: Slot): Promise<Finding> {
  const { disk, mounts, partitions, slots } = parts;
  const partition = await partitions.find(LABELS[running]);
  const sizes = await mounts.using(
    partition,
    "read",
    (directory) => Promise.all(FILES.map((name) => disk.size(`${directory}/${name}`))),
  ).catch(() => []);
  const wanted = sizes.reduce((sum: number, size) => sum + (size ?? 0), 0);
  if (wanted === 0) return ok("a whole image: what fits is as large as the partition");
  const smallest: Release = {
    version: "0",
    artifacts: FILES.map((name) => ({ name, sha256: "", size: 0 })),
  };
  const { available } = await slots.room(passive, smallest);
  const [has, needs] = [available, wanted].map((bytes) => format(bytes, { binary: true }));
  if (available >= wanted) {
    return ok(`slot ${passive} takes ${has}; what runs in slot ${running} has ${needs}`);
  }
  return problem(
    `slot ${passive} takes ${has}; what runs in slot ${running} has ${needs}`,
    `remove what does not belong into slot ${passive}, or make the partition larger`,
  );
}
