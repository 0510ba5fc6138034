/**
 * Partitions and mounts, as the rooms that need one see them.
 *
 * @module
 */

/** One partition of one disk. */
export interface Partition {
  /** GPT partition name or file-system label that it was found by. */
  readonly label: string;
  /** For messages: `/dev/vda2`. */
  readonly device: string;
  /** Where it can be opened: the same device in the agent's view of /dev. */
  readonly path: string;
  /** What carried the label. A whole image brings its own file-system label, never a GPT name. */
  readonly foundBy?: "gpt" | "file-system";
}

/** Finds partitions. Implemented by `mod/slots/`. */
export interface Partitions {
  /**
   * The one partition called `label`: by GPT name, else by file-system label.
   * @throws {UpdateError} `slot` where there is none, or more than one; both are then named.
   */
  find(label: string): Promise<Partition>;
}

/** Mounts partitions out of the way of the rest of the node. Implemented by `mod/slots/`. */
export interface Mounts {
  /**
   * Mounts `partition`, runs `body` with the directory, and unmounts whatever happens. `read` does
   * not write a single byte, not even a journal's replay.
   * @throws {UpdateError} `slot` where it cannot be mounted so.
   */
  using<T>(
    partition: Partition,
    access: "read" | "write",
    body: (directory: string) => Promise<T>,
  ): Promise<T>;
  /** Where the node itself has it mounted. */
  mountedAt(partition: Partition): Promise<readonly string[]>;
}
