/**
 * What `install` has found, and what it does about it.
 *
 * @module
 */

/** What became of a file. `kept`: somebody else's, and it stays as it is. */
export type Result = "installed" | "replaced" | "unchanged" | "kept" | "removed";

/** One file. */
export interface Placed {
  /** Where it is. */
  readonly path: string;
  /** What became of it. */
  readonly result: Result;
  /** Where the file is that was there. */
  readonly backup?: string;
  /** Why, where that is not plain. */
  readonly note?: string;
}

/** One file, and how it gets there. */
export interface Step<P extends Placed = Placed> {
  /** What becomes of it. */
  readonly placed: P;
  /** Makes it so; absent: there is nothing to do. */
  perform?(): Promise<void>;
  /** What people may do about it. */
  readonly advice?: string;
}
