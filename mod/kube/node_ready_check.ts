/**
 * Health: is this node ready?
 *
 * @module
 */

import type { HealthCheck } from "../core/mod.ts";
import type { AccessReader } from "./cluster_access.ts";
import { KubeApi } from "./kube_api.ts";

/** This node, as the kernel and Kubernetes know it. */
export interface ThisNode {
  /** Its name in Kubernetes: the hostname in lower case, unless the kubelet was told otherwise. */
  name(): Promise<string>;
  /** The kernel's boot id. */
  readonly bootId: string;
}

/**
 * A check that passes when this node's condition Ready is True, and its kubelet has said so in this
 * boot: what it said before the reboot stays with the API server until then.
 */
export function nodeReadyCheck(access: AccessReader, { name, bootId }: ThisNode): HealthCheck {
  return {
    name: "node-ready",
    async run(signal) {
      using api = new KubeApi(await access());
      const called = await name();
      const { status } = await api.node(called, signal);
      const bootID = status?.nodeInfo?.bootID;
      if (bootID && bootID.toLowerCase() !== bootId.toLowerCase()) {
        throw new Error(`node ${called}: its kubelet has not reported since this boot`);
      }
      const ready = status?.conditions?.find(({ type }) => type === "Ready");
      if (ready?.status === "True") return;
      const why = [ready?.reason, ready?.message].filter(Boolean).join(": ");
      throw new Error(
        `node ${called} is not ready (${ready?.status ?? "no condition Ready"})${
          why ? `: ${why}` : ""
        }`,
      );
    },
  };
}
