/**
 * A node of a fleet whose update the server follows.
 *
 * @module
 */

import { type Phase, UpdateError } from "../../mod/core/mod.ts";
import { Fleet, FleetNode, manifestXml, offerXml, packageXml } from "./_fleet.ts";
import { Nebraska } from "./_nebraska.ts";

/** A fleet's server by nebraska's rules, which offers 2.0.0. */
export function offering(): { fleet: Fleet; nebraska: Nebraska } {
  const nebraska = new Nebraska();
  const image = packageXml("root.img", new Uint8Array(5));
  nebraska.offer = {
    version: "2.0.0",
    xml: offerXml(["http://x/"], [manifestXml("2.0.0", [image])]),
  };
  return { fleet: new Fleet((request) => nebraska.answer(request)), nebraska };
}

/** The node goes from phase to phase, and the command ends, with an error perhaps. */
export async function goes(
  node: FleetNode,
  phases: readonly Phase[],
  error?: unknown,
): Promise<void> {
  phases.slice(1).forEach((to, at) => {
    node.telling.report({ kind: "phase", from: phases[at], to, version: "2.0.0" });
  });
  await node.telling.end(error);
}
/** Why an update failed. */

export function failure(
  code: "source" | "verification" | "slot" | "unhealthy",
  cause?: unknown,
): UpdateError {
  return new UpdateError(code, { operation: "x", found: "y", advice: "z", cause });
}

/** A node that has begun an update. */
export async function begun(fleet: Fleet): Promise<FleetNode> {
  const node = new FleetNode(fleet.url);
  await node.latest();
  await goes(node, ["checking", "downloading"]);
  return node;
}
