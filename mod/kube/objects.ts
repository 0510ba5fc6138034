/**
 * The parts of Kubernetes' objects that the checks look at. Whatever the server leaves out is absent.
 *
 * @module
 */

/** `v1` Node. */
export interface NodeObject {
  /** Name and labels. */
  readonly metadata?: {
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  /** What its kubelet says of it. */
  readonly status?: {
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly nodeInfo?: { readonly bootID?: string };
  };
}

/** `v1` Pod. */
export interface PodObject {
  /** Name, owners, and whether it is on its way out. */
  readonly metadata?: {
    readonly name?: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly controller?: boolean }[];
  };
  /** What was asked for. */
  readonly spec?: {
    readonly restartPolicy?: string;
    readonly containers?: readonly { readonly name?: string }[];
  };
  /** What its kubelet says of it. */
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

/** How a container of a pod stands. */
export interface ContainerStatus {
  /** As in the pod's specification. */
  readonly name?: string;
  /** Another one after every restart. */
  readonly containerID?: string;
  /** One of the three. */
  readonly state?: {
    readonly running?: { readonly startedAt?: string };
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly terminated?: { readonly reason?: string; readonly exitCode?: number };
  };
}
