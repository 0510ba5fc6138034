/**
 * Objects as an API server sends them.
 *
 * @module
 */

/** The node of the tests. */
export const NODE = "edge-1";

export const BOOT_ID = "5f1d0a3c-8f3e-4f6a-9d57-0a3f3c1b7e21";

/** A `v1` Node; `ready` is its condition's status. */
export function nodeObject(
  { ready = "True", bootID = BOOT_ID, labels = {} }: {
    ready?: string;
    bootID?: string;
    labels?: Record<string, string>;
  } = {},
) {
  const at = new Date().toISOString();
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    lastHeartbeatTime: at,
    lastTransitionTime: at,
    reason,
    message,
  });
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name: NODE,
      uid: "f3f6c2de-6a0e-4d7e-a0a7-41d4e3f0b6a1",
      resourceVersion: "4711",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { "kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", ...labels },
      annotations: { "node.alpha.kubernetes.io/ttl": "0" },
    },
    spec: { podCIDR: "10.42.0.0/24", podCIDRs: ["10.42.0.0/24"] },
    status: {
      capacity: { cpu: "2", memory: "4023232Ki", pods: "110" },
      allocatable: { cpu: "2", memory: "3920832Ki", pods: "110" },
      conditions: [
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "enough memory"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "no disk pressure"),
        ready === "True"
          ? condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
          : condition("Ready", ready, "KubeletNotReady", "cni plugin not initialized"),
      ],
      addresses: [{ type: "InternalIP", address: "10.0.0.5" }, { type: "Hostname", address: NODE }],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: "0a",
        systemUUID: "0b",
        bootID,
        kernelVersion: "6.1.0",
        osImage: "KubeSolo OS",
        containerRuntimeVersion: "containerd://2.0.0",
        kubeletVersion: "v1.34.0",
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
      },
      images: [{ names: ["docker.io/coredns/coredns:1.14.1"], sizeBytes: 20_000_000 }],
    },
  };
}

/** What is different about a pod. */
export interface PodPlan {
  readonly name?: string;
  readonly phase?: string;
  /** Why, of a pod that failed. */
  readonly reason?: string;
  /** The state of its container; none where null. */
  readonly state?: Record<string, unknown> | null;
  readonly initState?: Record<string, unknown>;
  readonly containerID?: string;
  readonly restartPolicy?: string;
  readonly controlled?: boolean;
  readonly deleted?: boolean;
}

/** The state of a container that started so many seconds ago; the kubelet writes whole seconds. */
export function runningFor(seconds: number, now = Date.now()) {
  const startedAt = new Date(now - seconds * 1000).toISOString().replace(/\.\d+/, "");
  return { running: { startedAt } };
}

/** A `v1` Pod of kube-system, well where nothing else is said. */
export function podObject({
  name = "coredns-6f6b",
  phase = "Running",
  reason,
  state = runningFor(60),
  initState,
  containerID = "containerd://1",
  restartPolicy = "Always",
  controlled = true,
  deleted = false,
}: PodPlan = {}) {
  const container = (called: string) => ({
    name: called,
    image: "docker.io/coredns/coredns:1.14.1",
    resources: {},
    imagePullPolicy: "IfNotPresent",
  });
  const status = (called: string, its: Record<string, unknown>) => ({
    name: called,
    state: its,
    lastState: {},
    ready: "running" in its,
    restartCount: 0,
    image: "docker.io/coredns/coredns:1.14.1",
    imageID: "docker.io/coredns/coredns@sha256:0",
    containerID,
    started: "running" in its,
  });
  const owner = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: "coredns",
    uid: "1",
    controller: true,
    blockOwnerDeletion: true,
  };
  return {
    metadata: {
      name,
      namespace: "kube-system",
      uid: crypto.randomUUID(),
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...deleted ? { deletionTimestamp: new Date().toISOString() } : {},
      ...controlled ? { ownerReferences: [owner] } : {},
    },
    spec: {
      ...initState ? { initContainers: [container("prepare")] } : {},
      containers: [container("main")],
      restartPolicy,
      nodeName: NODE,
      serviceAccountName: "coredns",
    },
    status: {
      phase,
      ...reason ? { reason } : {},
      conditions: [{ type: "PodScheduled", status: "True" }],
      hostIP: "10.0.0.5",
      startTime: "2026-01-01T00:00:00Z",
      ...initState ? { initContainerStatuses: [status("prepare", initState)] } : {},
      ...state ? { containerStatuses: [status("main", state)] } : {},
      qosClass: "Burstable",
    },
  };
}

/** A `v1` PodList, or a page of one. */
export function podList(items: unknown[], more?: string) {
  return {
    kind: "PodList",
    apiVersion: "v1",
    metadata: {
      resourceVersion: "4711",
      ...more ? { continue: more, remainingItemCount: 1 } : {},
    },
    items,
  };
}

/** A `v1` Status: how an API server says no. */
export function statusObject(code: number, reason: string, message: string): Response {
  return Response.json({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  }, { status: code });
}
