/**
 * A node as the doctor sees it: each part is read once, when a check first wants it.
 *
 * @module
 */

import { dirname } from "@std/path";
import {
  type Boot,
  type BootStatus,
  confirmedSlot,
  LABELS,
  quietly,
  type Reporter,
  runningSlot,
  settle,
  type Slot,
  type UpdateState,
} from "../../core/mod.ts";
import { ensureView, isRoot, readBoot, UpdateLock } from "../../host/mod.ts";
import type { PartitionFacts } from "../../slots/mod.ts";
import { type Parts, type PlaceFlags, watchParts } from "../node_parts.ts";
import { once } from "../once.ts";
import { readSettings, type Settings } from "../read_settings.ts";
import { type Finding, needed, Skipped } from "./check.ts";

/** What can be seen. What cannot be read rejects; what needs that is skipped. */
export interface Sight {
  /** Where things are. */
  readonly flags: PlaceFlags;
  /** The rooms' own views of it. */
  readonly parts: Parts;
  /** The directory of the state. */
  readonly directory: string;
  /** Whether this is root, seen through the view. */
  root(): Promise<boolean>;
  /** All partitions of the machine. */
  partitions(): Promise<readonly PartitionFacts[]>;
  /** What the kernel says of this boot. */
  boot(): Promise<Boot>;
  /** Both copies of the boot environment. */
  environment(): Promise<BootStatus>;
  /** The slot that runs. */
  running(): Promise<Slot>;
  /** What the agent remembers, as it is in the file. */
  state(): Promise<UpdateState>;
  /** The same, with a roll back that no command has noticed yet. */
  settled(): Promise<UpdateState>;
  /** Settings. */
  settings(): Promise<Settings>;
  /** The agent that works just now. */
  holder(): Promise<string | undefined>;
  /** Keeps all others from working until it is disposed of; see {@linkcode UpdateLock.share}. */
  share(): Promise<Disposable | undefined>;
}

/**
 * The node that flags name. Nothing is read yet.
 *
 * @throws {UpdateError} `usage` where a flag leads out of the agent's places.
 */
export async function sightOf(flags: PlaceFlags, reporter: Reporter): Promise<Sight> {
  const parts = await watchParts(flags, quietly(reporter));
  const { disk } = parts;
  const directory = dirname(flags.state);
  const lock = new UpdateLock(directory);
  const view = once(() => ensureView());
  const seen = async () => await needed(view(), "without the view of /dev, /proc and /sys it");
  const partitions = once(() => seen().then(() => parts.partitions.list()));
  const boot = once(() => seen().then(() => readBoot(disk)));
  const environment = once(() => seen().then(() => parts.bootEnv.read()));
  const state = once(() => parts.states.look());
  const running = once(async () => {
    const confirmed = await environment().then(confirmedSlot, () => undefined);
    return runningSlot(await boot(), confirmed);
  });
  return {
    flags,
    parts,
    directory,
    root: () => view().then(() => isRoot(disk)),
    partitions,
    boot,
    environment,
    running,
    state,
    settled: async () => {
      const before = await state();
      try {
        return settle(before, await boot(), await running(), await environment(), new Date()).state;
      } catch {
        return before;
      }
    },
    settings: once(() => readSettings(disk, flags)),
    holder: once(() => lock.holder()),
    share: () => lock.share(),
  };
}

/** The partitions without which there are no updates. */
export const SYSTEM_LABELS: readonly string[] = [LABELS.efi, LABELS.A, LABELS.B];

/** A look that only makes sense where the machine has any of {@linkcode SYSTEM_LABELS}. */
export function onNode(
  { partitions }: Sight,
  look: () => Finding | Promise<Finding>,
): () => Promise<Finding> {
  return async () => {
    const found = await needed(partitions(), "what partitions there are");
    const names = found.flatMap(({ gptName, label }) => [gptName, label]);
    if (SYSTEM_LABELS.some((label) => names.includes(label))) return await look();
    throw new Skipped("this machine has no partitions of a KubeSolo node");
  };
}
