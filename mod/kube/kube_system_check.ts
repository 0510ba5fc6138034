/**
 * Health: do the node's system pods run, and stay?
 *
 * @module
 */

import type { HealthCheck } from "../core/mod.ts";
import { podProblem } from "./_pod_problem.ts";
import type { AccessReader } from "./cluster_access.ts";
import { KubeApi } from "./kube_api.ts";
import type { ThisNode } from "./node_ready_check.ts";
import type { ContainerStatus } from "./objects.ts";

/** Seconds that a container must have run for, where nothing else is set. */
export const STABLE_SECONDS = 30;

/** Pods that a reason names. */
export const MAX_NAMED_PODS = 3;

/** Where the system's pods are. */
const NAMESPACE = "kube-system";

/** The kubelet writes whole seconds. */
const CLOCK_SLACK_SECONDS = 2;

/** How long things run. */
export interface Clocks {
  /** The node's clock. */
  now(): Date;
  /** Seconds since the kernel started. */
  uptime(): Promise<number>;
}

/** What {@linkcode kubeSystemCheck} goes by. */
export interface KubeSystemOptions {
  /** This node. */
  readonly node: ThisNode;
  /** Its clocks. */
  readonly clocks: Clocks;
  /** Seconds that each container must have run for; {@linkcode STABLE_SECONDS} where absent. */
  readonly stableSeconds?: number;
}

/**
 * A check that passes when every pod of kube-system on this node runs, each container for
 * {@linkcode KubeSystemOptions.stableSeconds} since it started: not since the pod was made, so that
 * fetching its image takes nothing from it. Pods that have done their work are fine.
 *
 * A start that lies before this boot, or in the future, is of a clock that was set since, or is what the
 * kubelet said before the reboot: such a container counts from when the check first saw it.
 */
export function kubeSystemCheck(
  access: AccessReader,
  { node, clocks, stableSeconds = STABLE_SECONDS }: KubeSystemOptions,
): HealthCheck {
  const firstSeen = new Map<string, number>();
  return {
    name: "kube-system",
    async run(signal) {
      using api = new KubeApi(await access());
      const pods = await api.pods(NAMESPACE, await node.name(), signal);
      const uptime = await clocks.uptime();
      const now = clocks.now().getTime();
      const runningSeconds = ({ containerID = "", state }: ContainerStatus): number => {
        const at = performance.now();
        const seen = firstSeen.get(containerID) ?? at;
        firstSeen.set(containerID, seen);
        const bySight = (at - seen) / 1000;
        const byClock = (now - Date.parse(state?.running?.startedAt ?? "")) / 1000;
        const believable = byClock <= uptime + CLOCK_SLACK_SECONDS;
        return believable ? Math.max(byClock, bySight) : bySight;
      };
      const problems = pods.flatMap((pod) => {
        const problem = podProblem(pod, { stableSeconds, runningSeconds });
        return problem === undefined ? [] : [`${pod.metadata?.name}: ${problem}`];
      });
      if (problems.length === 0) return;
      const more = problems.length - MAX_NAMED_PODS;
      throw new Error(
        problems.slice(0, MAX_NAMED_PODS).join("; ") + (more > 0 ? `; and ${more} more` : ""),
      );
    },
  };
}
