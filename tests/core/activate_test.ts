import { assertEquals, assertRejects } from "@std/assert";
import { activate, apply, type Node, type Trust, UpdateError } from "../../mod/core/mod.ts";
import type { MemoryDisk } from "../fakes/memory_disk.ts";
import {
  factoryDisk,
  filesRelease,
  GRUBENV,
  memoryNode,
  memorySource,
  POLICY,
} from "../fakes/memory_machine.ts";

const OLD = filesRelease("1.0.0");
const NEW = filesRelease("2.0.0");

/** A node with 1.0.0 in both slots, and its disk. */
function nodeAndDisk(): { node: Node; disk: MemoryDisk } {
  const disk = factoryDisk(OLD);
  return { disk, node: memoryNode(disk, { id: "boot-1", slot: "A", why: "normal" }, [OLD, NEW]) };
}

/** Stages {@linkcode NEW}, which these keys have signed. */
async function stage(node: Node, trust: Trust | undefined, ...signedBy: string[]) {
  const release = { ...NEW.release, ...signedBy.length > 0 && { signedBy } };
  return await apply(node, memorySource({ ...NEW, release }), { ...POLICY, trust });
}

/** Believes one key. */
function trusting(key: string): Trust {
  return {
    wanted: `a signature of key ${key}`,
    judge: () => Promise.reject(new Error("nobody judges here")),
    stillBelieves: (signedBy) => signedBy.includes(key),
  };
}

Deno.test("what a key has signed that is believed no more is not activated, and stays staged", async () => {
  const { node, disk } = nodeAndDisk();
  await stage(node, trusting("anna"), "anna");
  const before = (await node.states.load()).state;
  const grubenv = disk.get(GRUBENV);
  const error = await assertRejects(() => activate(node, trusting("berta")), UpdateError);
  assertEquals([error.code, error.operation], ["verification", "activating 2.0.0"]);
  assertEquals(
    error.found,
    "wanted a signature of key berta, found those of anna when it was staged",
  );
  assertEquals((await node.states.load()).state, before);
  assertEquals(disk.get(GRUBENV), grubenv);

  assertEquals((await stage(node, trusting("berta"), "anna", "berta")).result, "already_staged");
  assertEquals((await activate(node, trusting("berta"))).slot, "B");
});

Deno.test("what nobody was asked about is not activated once a key is configured", async () => {
  const { node } = nodeAndDisk();
  await stage(node, undefined);
  const error = await assertRejects(() => activate(node, trusting("anna")), UpdateError);
  assertEquals(error.found, "wanted a signature of key anna, found none when it was staged");
  assertEquals((await activate(node, undefined)).version, "2.0.0", "nor is anybody asked now");
});
