/**
 * The gates that look at the node alone.
 *
 * @module
 */

import type { GateResult, NodeFacts } from "./gates.ts";
import { isOpen, localTime, nextOpening } from "./window.ts";

/** The gates that need no network but the node's own: asked before any. */
export function gatesBeforeNetwork(facts: NodeFacts, force: boolean): GateResult[] {
  return [windowGate(facts, force), labelGate(facts, force), confirmedGate(facts)];
}

function windowGate({ window, now }: NodeFacts, force: boolean): GateResult {
  const open = window === undefined || isOpen(window, now);
  const opening = window && !open ? nextOpening(window, now) : undefined;
  return {
    gate: "window",
    passed: open || force,
    wanted: window?.text ?? "any time",
    found: localTime(now) + (opening ? `, and it opens ${localTime(opening)}` : ""),
  };
}

function labelGate({ label }: NodeFacts, force: boolean): GateResult {
  return {
    gate: "label",
    passed: force || !label?.blocked,
    wanted: "no label that blocks updates",
    found: label?.found ?? "not asked",
  };
}

/**
 * While the passive slot is written, GRUB must have no reason to boot it: the running slot is
 * confirmed, or may be (an activation that was not booted yet is taken back), or was fallen back to.
 */
export function confirmedGate(
  { boot, running, environment }: Pick<NodeFacts, "boot" | "running" | "environment">,
): GateResult {
  const wanted = `slot ${running}, which runs, to be confirmed`;
  const answer = (passed: boolean, found: string): GateResult => ({
    gate: "confirmed",
    passed,
    wanted,
    found,
  });
  if (boot.why === "manual") return answer(false, "a slot chosen by hand in GRUB's menu");
  if (!environment) {
    return boot.slot || boot.root
      ? answer(true, "no boot environment: it will be made anew")
      : answer(false, "no boot environment");
  }
  const { active, success } = environment;
  if (active === running) {
    return success
      ? answer(true, `slot ${running} confirmed`)
      : answer(false, `slot ${running} still on trial`);
  }
  if (!success) {
    return answer(true, `slot ${active} activated but not booted: it will be taken back`);
  }
  return boot.why === "fallback"
    ? answer(true, `slot ${active}, which could not be loaded`)
    : answer(false, `slot ${active} to be booted next`);
}
