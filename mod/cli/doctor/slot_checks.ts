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
  type Partition,
  type Slot,
  UpdateError,
} from "../../core/mod.ts";
import { type Check, type Finding, needed, ok, problem, Skipped, warning } from "./check.ts";
import { onNode, type Sight } from "./sight.ts";

/** Seconds in which a slot is to be read: 20 MB/s for 2 GiB. */
const READ_SECONDS = 100;

const FILES: readonly ArtifactName[] = ["vmlinuz", "kubesolo-os.gz"];

/** File systems that nothing is written into: they come and go as whole images. */
const READ_ONLY: readonly (string | undefined)[] = ["squashfs", "erofs"];

/** Checks of the slots. Every byte of them is read. */
export function slotChecks(sight: Sight): readonly Check[] {
  const running = () => needed(sight.running(), "which slot runs");
  /** Looks at the passive slot while nobody writes it: whoever wants to waits, or is refused. */
  const undisturbed = (look: (passive: Slot) => Promise<Finding>) =>
    onNode(sight, async () => {
      using _lock = await sight.share().catch((error) => {
        // a lock that cannot be opened keeps nobody from looking
        if (!(error instanceof UpdateError) || error.code !== "refused") return undefined;
        throw new Skipped(`an agent may be writing it: ${error.found}`);
      });
      return await look(otherSlot(await running()));
    });
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
      look: undisturbed(async (slot) => {
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
      look: undisturbed(async (passive) => judgeRoom(sight, await running(), passive)),
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
async function judgeRoom(sight: Sight, running: Slot, passive: Slot): Promise<Finding> {
  const { disk, mounts, partitions, slots } = sight.parts;
  const room = async (names: readonly ArtifactName[]) => {
    const artifacts = names.map((name) => ({ name, sha256: "", size: 0 }));
    return (await slots.room(passive, { version: "0", artifacts })).available;
  };
  const written = (await sight.state().catch(() => undefined))?.slots[running];
  const partition = await partitions.find(LABELS[running]);
  const image = written?.artifacts[0]?.name === "image" || await isReadOnly(sight, partition);
  if (image) return ok(`slot ${passive} takes images of up to ${binary(await room(["image"]))}`);
  if (await isReadOnly(sight, await partitions.find(LABELS[passive]))) {
    return warning(
      `slot ${passive} takes whole images only, up to ${binary(await room(["image"]))}`,
      `for updates by files, make an ext4 in the partition ${LABELS[passive]}`,
    );
  }
  const sizes = await mounts.using(
    partition,
    "read",
    (directory) => Promise.all(FILES.map((name) => disk.size(`${directory}/${name}`))),
  ).catch(() => []);
  const wanted = sizes.reduce((sum: number, size) => sum + (size ?? 0), 0);
  if (wanted === 0) return ok("a whole image: what fits is as large as the partition");
  const available = await room(FILES);
  const found = `slot ${passive} takes ${binary(available)}; ` +
    `what runs in slot ${running} has ${binary(wanted)}`;
  if (available >= wanted) return ok(found);
  return problem(
    found,
    `remove what does not belong into slot ${passive}, or make the partition larger`,
  );
}

async function isReadOnly({ partitions }: Sight, { device }: Partition): Promise<boolean> {
  const facts = (await partitions()).find((partition) => partition.device === device);
  return READ_ONLY.includes(facts?.fileSystem);
}

function binary(bytes: number): string {
  return format(bytes, { binary: true });
}
