/**
 * Chooses the health checks that suit a node.
 *
 * @module
 */

import { dirname } from "@std/path";
import type { HealthCheck, Reporter } from "../core/mod.ts";
import { dataPartitionCheck, probeCheck, readUptime, scriptChecks } from "../host/mod.ts";
import {
  apiServerCheck,
  CONTAINERD_SOCKETS,
  containerdCheck,
  kubeSystemCheck,
  nodeReadyCheck,
} from "../kube/mod.ts";
import { type Cluster, type ClusterPlaces, findCluster, isThere } from "./cluster.ts";
import { scopedPath } from "./scope.ts";
import type { ClusterCheck } from "./setting_values.ts";

/**
 * What shows that a node has a containerd: KubeSolo's own has a directory on the data partition, and of
 * any other there is but its socket.
 */
const CONTAINERD_PLACES = [dirname(CONTAINERD_SOCKETS[0]), CONTAINERD_SOCKETS[1]];

/** What {@linkcode chooseHealthChecks} goes by. */
export interface HealthPlaces extends ClusterPlaces {
  /** The agent's directory on the data partition. */
  readonly workDirectory: string;
  /** Hears of files that are no scripts. */
  readonly reporter: Reporter;
}

/** The checks that the settings ask for, and those that suit what is on the node. */
export async function chooseHealthChecks(places: HealthPlaces): Promise<readonly HealthCheck[]> {
  const { settings, disk, workDirectory, reporter } = places;
  const checks = [dataPartitionCheck(disk, workDirectory)];
  const url = settings.get("healthcheckUrl");
  if (url) checks.push(probeCheck(url));

  const cluster = await findCluster(places);
  const sockets = await containerdSockets(places);
  const makers: Readonly<Record<ClusterCheck, () => HealthCheck>> = {
    "containerd": () => containerdCheck(sockets),
    "api-server": () => apiServerCheck(cluster.access),
    "node-ready": () => nodeReadyCheck(cluster.access, cluster.node),
    "kube-system": () =>
      kubeSystemCheck(cluster.access, {
        node: cluster.node,
        clocks: { now: () => new Date(), uptime: () => readUptime(disk) },
        stableSeconds: settings.get("kubeSystemSeconds"),
      }),
  };
  const names = settings.get("healthChecks") ?? await suitable(cluster, places);
  checks.push(...names.map((name) => makers[name]()));

  const environment = cluster.known && cluster.kubeconfig
    ? { KUBECONFIG: cluster.kubeconfig }
    : undefined;
  const scripts = await scriptChecks(undefined, environment);
  for (const message of scripts.warnings) reporter.report({ kind: "warning", message });
  return [...checks, ...scripts.checks];
}

/** The checks that suit what is on the node, whether it works or not. */
async function suitable(
  { known }: Cluster,
  { settings }: HealthPlaces,
): Promise<readonly ClusterCheck[]> {
  const containerd = settings.get("containerdSocket") !== undefined ||
    (await Promise.all(CONTAINERD_PLACES.map(isThere))).includes(true);
  return [
    ...containerd ? ["containerd"] as const : [],
    ...known ? ["api-server", "node-ready", "kube-system"] as const : [],
  ];
}

async function containerdSockets({ settings }: HealthPlaces): Promise<readonly string[]> {
  const named = settings.get("containerdSocket");
  if (named === undefined) return CONTAINERD_SOCKETS;
  const usual: readonly string[] = CONTAINERD_SOCKETS;
  return [usual.includes(named) ? named : await scopedPath("containerd_socket", named, "write")];
}
