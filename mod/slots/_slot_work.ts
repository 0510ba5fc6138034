import type { Disk, Mounts, Partition, Reporter, SlotStore } from "../core/mod.ts";

/** Everything that writing one slot takes. */
export interface SlotWork {
  /** The slot's disk, see `slotDisk`. */
  readonly disk: Disk;
  readonly mounts: Mounts;
  readonly partition: Partition;
  /** For messages: "slot B (/dev/vda3)". */
  readonly where: string;
  readonly reporter: Reporter;
  /** Bytes from one mark to the next. */
  readonly markBytes: number;
  readonly order: Parameters<SlotStore["write"]>[1];
}
