/**
 * The root of trust, as `config` shows it.
 *
 * @module
 */

import { bold, dim } from "@std/fmt/colors";
import { type Disk, UpdateError } from "../core/mod.ts";
import { type PublicKey, showKey } from "../trust/mod.ts";
import type { Settings } from "./read_settings.ts";
import { rootInForce } from "./trust.ts";

/** The root that counts. */
export interface RootReport {
  /** Where it was read. */
  readonly file: string;
  /** Its version. */
  readonly version: number;
  /** So many of the keys have to sign. */
  readonly threshold: number;
  /** The keys, each as `ops (0123456789ABCDEF)`. */
  readonly keys: readonly string[];
  /** Keys that never count again. */
  readonly revoked: readonly string[];
}

/** What was found of it; neither where the node has none. */
export interface RootFinding {
  /** The root. */
  readonly root?: RootReport;
  /** What is wrong with it. */
  readonly rootProblem?: string;
}

/** Looks for the root of a node whose state is in the file `state`. */
export async function reportRoot(
  disk: Disk,
  settings: Settings,
  state: string,
): Promise<RootFinding> {
  try {
    const found = await rootInForce(settings, { disk, state });
    if (!found) return {};
    const { version, threshold, keys, revoked } = found.root;
    const shown = (some: readonly PublicKey[]) => some.map(showKey);
    return {
      root: { file: found.path, version, threshold, keys: shown(keys), revoked: shown(revoked) },
    };
  } catch (error) {
    if (error instanceof UpdateError) return { rootProblem: error.message };
    throw error;
  }
}

/** The same for people, in lines. */
export function showRoot({ file, version, threshold, keys, revoked }: RootReport): string[] {
  return [
    `${bold("root of trust")}  version ${version}  ${dim(file)}`,
    `  signatures of ${threshold} of ${keys.join(", ")}`,
    ...revoked.length > 0 ? [`  revoked: ${revoked.join(", ")}`] : [],
  ];
}
