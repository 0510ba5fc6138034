import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  activate,
  apply,
  BOOT_ATTEMPTS,
  type HealthCheck,
  healthcheck,
  MAX_FOUND_LENGTH,
  MAX_REASON_LENGTH,
  type Node,
  UpdateError,
} from "../../mod/core/mod.ts";
import type { MemoryDisk } from "../fakes/memory_disk.ts";
import {
  factoryDisk,
  filesRelease,
  memoryNode,
  memorySource,
  POLICY,
  powerUp,
} from "../fakes/memory_machine.ts";

const KNOWN = ["1.0.0", "2.0.0"].map((version) => filesRelease(version));

/** What the health checks of each boot answer, one after another. */
type Boots = readonly (readonly boolean[])[];

/** How it has to end, and after how many health checks. */
interface End {
  readonly by: "success" | "agent" | "grub" | "nothing yet";
  readonly asked: number;
}

/** The rule in its shortest form. */
function expected(boots: Boots, after: number | undefined): End {
  let [asked, failures] = [0, 0];
  for (const [boot, answers] of boots.entries()) {
    if (boot === BOOT_ATTEMPTS) return { by: "grub", asked };
    for (const well of answers) {
      asked++;
      if (well) return { by: "success", asked };
      if (++failures === after) return { by: "agent", asked };
    }
  }
  return { by: boots.length > BOOT_ATTEMPTS ? "grub" : "nothing yet", asked };
}

/** A node with 2.0.0 staged and activated. */
async function activated(): Promise<MemoryDisk> {
  const disk = factoryDisk(KNOWN[0]);
  const node = boot(disk, 0);
  await apply(node, memorySource(KNOWN[1]), POLICY);
  await activate(node, undefined);
  return disk;
}

function boot(disk: MemoryDisk, number: number): Node {
  const booted = powerUp(disk, number, KNOWN);
  assert(booted);
  return memoryNode(disk, booted, KNOWN);
}

async function lived(boots: Boots, after: number | undefined): Promise<End> {
  const disk = await activated();
  let asked = 0;
  for (const [number, answers] of boots.entries()) {
    const node = boot(disk, number + 1);
    if (node.boot.slot === "A") {
      assertEquals(node.boot.why, "rollback");
      return { by: "grub", asked };
    }
    for (const well of answers) {
      const check: HealthCheck = {
        name: "workload",
        run: () => well ? Promise.resolve() : Promise.reject(new Error("down")),
      };
      const policy = { timeoutSeconds: 5, deadlineSeconds: 0, autoRollbackAfter: after };
      asked++;
      const outcome = await healthcheck(node, [check], policy).catch((error) => {
        if (error instanceof UpdateError && error.code === "unhealthy") return undefined;
        throw error;
      });
      const effective = (await node.bootEnv.read()).effective;
      const { phase, candidate, ledger } = (await node.states.load()).state;
      if (!outcome) {
        assertEquals([phase, effective?.active, effective?.success], ["failed", "B", false]);
        assertEquals([candidate?.failed_checks, ledger], [asked, []]);
        continue;
      }
      assertEquals([ledger.length, candidate, effective?.success], [1, undefined, true]);
      const by = outcome.rolledBack ? "agent" : "success";
      assertEquals([phase, ledger[0].outcome, ledger[0].reason, effective?.active], [
        ...by === "agent"
          ? ["rolled_back", "rolled_back", `unhealthy ${asked} times: workload: down`, "A"]
          : ["success", "success", "healthy", "B"],
      ]);
      assertEquals(boot(disk, 99).boot, {
        ...node.boot,
        id: "boot-99",
        slot: by === "agent" ? "A" : "B",
        why: "normal",
      });
      return { by, asked };
    }
  }
  return { by: "nothing yet", asked };
}

Deno.test("a slot on trial is given up by the count of its failed health checks, or by GRUB's", async () => {
  // seldom well, so that all four ends come up
  const answer = fc.integer({ min: 0, max: 9 }).map((die) => die === 0);
  const boots = fc.array(fc.array(answer, { maxLength: 3 }), { maxLength: 5 });
  const after = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined });
  const ends = new Set<string>();
  await fc.assert(
    fc.asyncProperty(boots, after, async (boots, after) => {
      const end = expected(boots, after);
      assertEquals(await lived(boots, after), end);
      ends.add(end.by);
    }),
    { numRuns: 200 },
  );
  assertEquals([...ends].sort(), ["agent", "grub", "nothing yet", "success"]);
});

Deno.test("reasons without end leave a state that can be read", async () => {
  const disk = await activated();
  const node = boot(disk, 1);
  const checks = Array.from({ length: 100 }, (_, n): HealthCheck => ({
    name: `check ${n}`,
    run: () => Promise.reject(new Error("because ".repeat(100_000))),
  }));
  const policy = { timeoutSeconds: 5, deadlineSeconds: 0, autoRollbackAfter: 1 };
  const { rolledBack, checks: results } = await healthcheck(node, checks, policy);
  assertEquals(results[0].reason?.length, MAX_REASON_LENGTH);
  assert(rolledBack && rolledBack.reason.length < MAX_FOUND_LENGTH + 100);
  const { state, warning } = await node.states.load();
  assertEquals([warning, state.phase], [undefined, "rolled_back"]);
});
