/**
 * Health: is the API server ready?
 *
 * @module
 */

import type { HealthCheck } from "../core/mod.ts";
import type { AccessReader } from "./cluster_access.ts";
import { KubeApi } from "./kube_api.ts";

/** A check that passes when `/readyz` of the API server answers 200 (KEP-1623 has its words). */
export function apiServerCheck(access: AccessReader): HealthCheck {
  return {
    name: "api-server",
    async run(signal) {
      using api = new KubeApi(await access());
      await api.ready(signal);
    },
  };
}
