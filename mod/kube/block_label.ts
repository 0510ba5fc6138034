/**
 * The label that holds updates of a node back.
 *
 * @module
 */

import { type NodeLabel, reasonOf } from "../core/mod.ts";
import type { AccessReader } from "./cluster_access.ts";
import { KubeApi } from "./kube_api.ts";
import type { ThisNode } from "./node_ready_check.ts";

/** The label; only the value `true` blocks. */
export const BLOCK_LABEL = "updates.kubesolo.io/block";

/** Seconds in which the API server has to answer. */
export const LABEL_SECONDS = 5;

/**
 * What this node's {@linkcode BLOCK_LABEL} says. A server that does not answer holds nothing back: what
 * is wrong with it may be what the update repairs.
 */
export async function readBlockLabel(
  access: AccessReader,
  { name }: Pick<ThisNode, "name">,
  seconds: number = LABEL_SECONDS,
): Promise<NodeLabel> {
  try {
    using api = new KubeApi(await access());
    const node = await api.node(await name(), AbortSignal.timeout(seconds * 1000));
    const value = node.metadata?.labels?.[BLOCK_LABEL];
    return {
      blocked: value === "true",
      found: value === undefined ? `no label ${BLOCK_LABEL}` : `${BLOCK_LABEL}=${value}`,
    };
  } catch (error) {
    return { blocked: false, found: "no answer", unanswered: reasonOf(error) };
  }
}
