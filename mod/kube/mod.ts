/**
 * The node as Kubernetes sees it: containerd, the API server, the node object and its system pods as
 * health checks, and the label that holds updates back.
 *
 * @module
 */

export type { Disk, DiskFile, HealthCheck, NodeLabel, OpenMode } from "../core/mod.ts";
export * from "./api_server_check.ts";
export * from "./block_label.ts";
export * from "./cluster_access.ts";
export * from "./containerd_check.ts";
export * from "./kube_api.ts";
export * from "./kube_system_check.ts";
export * from "./kubeconfig.ts";
export * from "./node_ready_check.ts";
export * from "./objects.ts";
export * from "./service_account.ts";
