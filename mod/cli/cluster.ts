/**
 * The cluster that this node belongs to, as far as it can be asked.
 *
 * @module
 */

import type { Disk, NodeLabel, Reporter } from "../core/mod.ts";
import { readHostname } from "../host/mod.ts";
import {
  type AccessReader,
  KUBESOLO_KUBECONFIG,
  readBlockLabel,
  readKubeconfig,
  readServiceAccount,
  SERVICE_ACCOUNT,
  type ThisNode,
} from "../kube/mod.ts";
import { scopedPath } from "./scope.ts";
import type { Settings } from "./read_settings.ts";

/** Whom to ask, and as what. */
export interface Cluster {
  readonly access: AccessReader;
  readonly node: ThisNode;
  /** The credentials are there, or somebody said where they will be. */
  readonly known: boolean;
  /** The kubeconfig, where it is one. */
  readonly kubeconfig?: string;
}

/** What {@linkcode findCluster} goes by. */
export interface ClusterPlaces {
  readonly settings: Settings;
  readonly disk: Disk;
  readonly bootId: string;
}

/** The cluster that the settings name, else KubeSolo's, else that of the pod that this runs in. */
export async function findCluster(
  { settings, disk, bootId }: ClusterPlaces,
): Promise<Cluster> {
  const named = settings.get("kubeconfig");
  const nodeName = settings.get("nodeName");
  const node: ThisNode = {
    bootId,
    // as the kubelet does it
    name: async () => nodeName ?? (await readHostname(disk)).toLowerCase(),
  };
  if (named === undefined && !await isThere(KUBESOLO_KUBECONFIG) && await isInPod()) {
    const address = {
      host: Deno.env.get("KUBERNETES_SERVICE_HOST"),
      port: Deno.env.get("KUBERNETES_SERVICE_PORT"),
    };
    return { access: () => readServiceAccount(disk, address), node, known: true };
  }
  const kubeconfig = named === undefined
    ? KUBESOLO_KUBECONFIG
    : await scopedPath("kubeconfig", named, "read");
  const known = named !== undefined || await isThere(kubeconfig);
  return { access: () => readKubeconfig(disk, kubeconfig), node, known, kubeconfig };
}

/** What the node's label says; undefined where there is nobody to ask. */
export async function askLabel(
  places: ClusterPlaces,
  reporter: Reporter,
): Promise<NodeLabel | undefined> {
  const { access, node, known } = await findCluster(places);
  if (!known) return undefined;
  const label = await readBlockLabel(access, node);
  if (label.unanswered) {
    const message = `the label that blocks updates is not known: ${label.unanswered}`;
    reporter.report({ kind: "warning", message });
  }
  return label;
}

function isInPod(): Promise<boolean> {
  return isThere(`${SERVICE_ACCOUNT}/token`);
}

/** Whether there is anything at `path`. */
export async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
