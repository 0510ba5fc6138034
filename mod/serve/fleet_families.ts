/**
 * The fleet in numbers, for Prometheus.
 *
 * @module
 */

import type { Family } from "../metrics/mod.ts";
import { NODE_PHASES } from "./fleet.ts";
import type { ServerStatus } from "./status.ts";

/** Versions that have a series of their own. */
export const MAX_VERSION_SERIES = 64;

/** What is measured of a server and its nodes. */
export function fleetFamilies({ phases, versions, releases }: ServerStatus): Family[] {
  const offered = new Map(
    releases.filter(({ state, version }) => state === "offered" && version !== undefined)
      .map(({ version = "", channel = "", architecture = "" }) => {
        const labels = { version, channel, architecture };
        return [JSON.stringify(labels), labels] as const;
      }),
  );
  const notOffered = new Set(
    releases.filter(({ state }) => state !== "offered").map(({ place }) => place),
  );
  return [
    {
      name: "kubesolo_fleet_nodes",
      type: "gauge",
      help: "Nodes that have asked this server, by what they have said last.",
      samples: NODE_PHASES.map((phase) => ({ labels: { phase }, value: phases[phase] ?? 0 })),
    },
    {
      name: "kubesolo_fleet_version_nodes",
      type: "gauge",
      help: "Nodes by the version that they run; empty where they have not said.",
      samples: versions.slice(0, MAX_VERSION_SERIES)
        .map(([version, value]) => ({ labels: { version }, value })),
    },
    {
      name: "kubesolo_fleet_release_info",
      type: "info",
      help: "Releases that are offered.",
      samples: [...offered.values()].map((labels) => ({ labels, value: 1 })),
    },
    {
      name: "kubesolo_fleet_places_not_offered",
      type: "gauge",
      help: "Directories whose release is not complete or not readable.",
      samples: [{ value: notOffered.size }],
    },
  ];
}
