/**
 * A node that `doctor` has nothing to say of, until a test breaks something.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { formatState, NEW_STATE } from "../../../mod/core/mod.ts";
import { ROOT } from "../../../tasks/sources.ts";
import { STATE, TestNode } from "../_test_node.ts";

/** What `doctor --json` prints. */
export interface Examined {
  readonly result: string;
  readonly checks: readonly { name: string; level: string; found: string; advice?: string }[];
}

/** The key that the node trusts. */
export const KEY = "RWRtn+icdfkfepSe7XxO6VethTDexHNYIu0MAuM//ck1w8Yvc4FVty1x";

/** Its settings. */
export const CONF = `server=http://updates.lan/stable\npubkey=${KEY}\n`;

/** A node with nothing wrong: settings, GRUB's configuration, and the state on the data partition. */
export async function healthyNode(): Promise<TestNode> {
  const node = await TestNode.create({ mebibytes: { A: 8, B: 8 } });
  await node.sandbox.sh(`mount ${node.disk.of("KSOLODATA")} /var/lib/kubesolo`);
  await node.put("/etc/kubesolo/update.conf", CONF);
  await node.put(STATE, formatState(NEW_STATE));
  await node.esp((grub) => Deno.copyFile(`${ROOT}/deploy/grub/grub.cfg`, `${grub}/grub.cfg`));
  return node;
}

/** What `doctor` finds; its exit code fits, and it warns of nothing else. */
export async function examined(node: TestNode, ...flags: readonly string[]): Promise<Examined> {
  const { code, stdout, stderr } = await node.update(
    ...["doctor", "--json", "--log-level", "warning", ...flags],
  );
  assertEquals(stderr, "", stdout);
  const outcome: Examined = JSON.parse(stdout);
  assertEquals(code, outcome.result === "problem" ? 60 : 0, stdout);
  return outcome;
}

/** Every byte of ESP and slots, and the files on the data partition, which the node has mounted. */
export async function footprint(node: TestNode): Promise<string> {
  const devices = ["KSOLOEFI", "KSOLOA", "KSOLOB"].map((label) => node.disk.of(label)).join(" ");
  return await node.sandbox.sh(`
    sync; b2sum ${devices}
    find /etc/kubesolo /var/lib/kubesolo -printf '%p %T@ %s %m\\n' | sort`);
}
