/**
 * What a node looks like after a command that did not end well: what was said, the exit status, and
 * what is on disk.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { EXIT, type Phase } from "../../mod/core/mod.ts";
import type { Ran } from "../sandbox.ts";
import type { TestNode } from "./_test_node.ts";

/** How a command is to end, and what it is to leave. Slot A runs, with 1.0.0 in it. */
export interface Ending {
  readonly exit: number;
  /** The line on standard error. */
  readonly says: RegExp;
  /** {@linkcode TestNode.slot} of the passive slot; `null`: it cannot be looked into. */
  readonly passive: string | null;
  /** The state's phase; absent: there is no state file. */
  readonly phase?: Phase;
  /** The gate that refused. */
  readonly gate?: string;
  /** {@linkcode TestNode.grubenv}; slot A confirmed in both copies where absent. */
  readonly grubenv?: readonly string[];
}

/**
 * The one line that says why a command failed: what was being done, what was found, what to do.
 * Whatever else is on standard error came before it.
 */
export function complaintOf({ stderr }: Ran): string {
  // without the attempt's id
  const lines = stderr.trimEnd().split("\n").map((line) => line.replace(/^\[[0-9a-f]{8}\] /, ""));
  const isComplaint = (line: string) => line.startsWith("kubesolo-update ");
  assertEquals(lines.filter(isComplaint), [lines.at(-1)], `one line that says why:\n${stderr}`);
  const [, complaint = ""] = /^kubesolo-update \S+: (.*)$/.exec(lines.at(-1) ?? "") ?? [];
  assertMatch(complaint, /^.+: .+; .+$/);
  assertEquals(["\x1b", "undefined", "[object"].filter((text) => stderr.includes(text)), []);
  return complaint;
}

/** Compares how a command ended, and what is on disk, with what should be. */
export async function assertEnding(node: TestNode, ran: Ran, ending: Ending): Promise<void> {
  assertEquals(ran.code, ending.exit, ran.stderr);
  assertEquals(ran.stdout, "");
  const complaint = complaintOf(ran);
  assertMatch(complaint, ending.says);

  const state = await node.state().catch(() => undefined);
  assertEquals(state?.phase, ending.phase, ran.stderr);
  const isAttempt = ending.exit !== EXIT.refused && !ran.stderr.includes("kubesolo-update check:");
  if (isAttempt && ending.phase === "failed") assertEquals(state?.last_error, complaint);
  if (ending.gate) {
    const { gate, wanted, found } = state?.last_refusal ?? {};
    assertEquals(gate, ending.gate);
    assertEquals(complaint.includes(`wanted ${wanted}, found ${found}`), true, complaint);
  }
  assertEquals(await node.slot("A"), "1.0.0", "the running slot is never touched");
  if (ending.passive !== null) assertEquals(await node.slot("B"), ending.passive);
  assertEquals(await node.grubenv(), ending.grubenv ?? ["A/3/1", "A/3/1"]);
  assertEquals(await node.mounts(), [], "nothing stays mounted");
}

/** A good release is taken after all, and the node is none the worse. */
export async function assertRecovers(node: TestNode, version: string): Promise<void> {
  node.answer = () => false;
  await node.publish({ version });
  const { code, stderr } = await node.ask("apply");
  assertEquals(code, 0, stderr);
  assertEquals([await node.slot("A"), await node.slot("B")], ["1.0.0", version]);
  assertEquals((await node.state()).phase, "staged");
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);
  assertEquals(await node.mounts(), []);
}
