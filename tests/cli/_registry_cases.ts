/**
 * Updates from a registry that is wrong in one way after the other.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Ran } from "../sandbox.ts";
import { assertEnding, type Ending } from "./_aftermath.ts";
import { BadRegistry, INITRAMFS, KERNEL } from "./_bad_registry.ts";
import { sha256, STATE, TestNode } from "./_test_node.ts";

/** Where the kernel lies, below the repository. */
export const KERNEL_BLOB = `blobs/sha256:${sha256(KERNEL)}`;

/** And the initramfs. */
export const INITRAMFS_BLOB = `blobs/sha256:${sha256(INITRAMFS)}`;

/** Nothing was written: the slot still has what it had. */
export const UNTOUCHED: Pick<Ending, "passive" | "phase"> = { passive: "1.0.0", phase: "failed" };

/** The download began, and the slot does not boot. */
export const BEGUN: Pick<Ending, "passive" | "phase"> = {
  passive: "not bootable",
  phase: "failed",
};

/** One way to be wrong, and what it comes to. */
export type Case = readonly [wrong: (registry: BadRegistry) => void, ending: Ending];

/** Waits are short, where there are some: a test must not wait for what a slow line may take. */
export const HASTE = ["--stall-timeout", "0.3"];

/** Runs `apply` from the registry. */
export function apply(node: TestNode, registry: BadRegistry, ...more: string[]): Promise<Ran> {
  return node.update("apply", "--registry", `${registry.host}/site/os`, "--plain-http", ...more);
}

/** The next case finds the node as the first one did. */
export async function renew(node: TestNode, registry: BadRegistry): Promise<void> {
  registry.reset();
  await node.sandbox.sh(`rm -f ${STATE}`);
}

/** Each case on the same disk. */
export async function assertAll(cases: readonly Case[]): Promise<void> {
  await using registry = await BadRegistry.start();
  await using node = await TestNode.create();
  for (const [wrong, ending] of cases) {
    await renew(node, registry);
    wrong(registry);
    const haste = ending.exit === 40 ? HASTE : [];
    await assertEnding(node, await apply(node, registry, ...haste), ending);
    if (ending.passive !== "1.0.0") await node.fill("B", "1.0.0");
  }
  await renew(node, registry);
  const { code, stderr } = await apply(node, registry);
  assertEquals([code, await node.slot("B")], [0, "2.0.0"], stderr);
}
