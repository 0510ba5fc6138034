import {
  type GateName,
  gatesBeforeNetwork,
  gatesOfRelease,
  NEW_STATE,
  type NodeFacts,
  parseWindow,
  type Release,
} from "../../mod/core/mod.ts";

/** A release that suits {@linkcode NODE}. */
export const RELEASE: Release = {
  version: "2.0.0",
  channel: "stable",
  architecture: "x86_64",
  minCompatibleVersion: "1.0.0",
  artifacts: [
    { name: "vmlinuz", sha256: "a".repeat(64), size: 600 },
    { name: "kubesolo-os.gz", sha256: "b".repeat(64), size: 400 },
  ],
};

export const NOON = "2026-01-15T12:00:00Z";

/** A node that is well. */
export const NODE: NodeFacts = {
  boot: { id: "this boot", slot: "A", why: "normal" },
  running: "A",
  version: "1.5.0",
  architecture: "x86_64",
  channel: "stable",
  environment: { active: "A", success: true, counter: 3 },
  state: NEW_STATE,
  now: new Date(NOON),
};

/** Half past eleven in the evening, with this window. */
export function at(window: string): Partial<NodeFacts> {
  return { now: new Date(2026, 0, 15, 23, 30), window: parseWindow(window) };
}

/** The gates that say no. */
export function refusing(
  node: Partial<NodeFacts> = {},
  release: Partial<Release> = {},
  { available = 1000, force = false } = {},
): GateName[] {
  const facts = { ...NODE, ...node };
  const gates = [
    ...gatesBeforeNetwork(facts, force),
    ...gatesOfRelease(facts, { ...RELEASE, ...release }, available, force),
  ];
  return gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
}
