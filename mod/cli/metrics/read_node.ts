/**
 * Reads a node for its metrics: each part on its own, without the lock of those who work, and nothing
 * is written.
 *
 * @module
 */

import {
  type Boot,
  type BootStatus,
  confirmedSlot,
  reasonOf,
  type Reporter,
  runningSlot,
  settle,
  type Slot,
  type UpdateState,
} from "../../core/mod.ts";
import { ensureView, readBoot, readMemory } from "../../host/mod.ts";
import { Kept, type NodeReading, type Part } from "../../metrics/mod.ts";
import type { Parts } from "../node_parts.ts";
import { AGENT_VERSION } from "../scope.ts";

/** Milliseconds for which what was read of the ESP is good: reading it takes a mount. */
const ENVIRONMENT_GOOD_FOR_MS = 3000;

/** Milliseconds until a slot that could not be read is mounted again; each time the kernel logs it. */
const VERSION_RETRY_MS = 30_000;

/** Milliseconds that a scrape waits for one part: less than Prometheus waits for the scrape. */
const PATIENCE_MS = 4000;

const AGENT = {
  version: AGENT_VERSION,
  architecture: Deno.build.arch,
  runtime: Deno.version.deno,
};

/** What of the boot never changes while this process lives. */
interface Booted {
  readonly boot: Boot;
  readonly running: Slot;
}

/** Reads `parts` whenever it is called; never throws. What is wrong is said once to `reporter`. */
export function nodeReader(parts: Parts, reporter: Reporter): () => Promise<NodeReading> {
  const { disk, states, slots, bootEnv } = parts;
  const environment = new Kept({
    read: () => ensureView().then(() => bootEnv.read()),
    goodFor: ENVIRONMENT_GOOD_FOR_MS,
    retryAfter: ENVIRONMENT_GOOD_FOR_MS,
    patience: PATIENCE_MS,
  });
  const booted = new Kept<Booted>({
    read: async () => {
      await ensureView();
      const boot = await readBoot(disk);
      const confirmed = await environment.get().then(confirmedSlot, () => undefined);
      return { boot, running: runningSlot(boot, confirmed) };
    },
    goodFor: Infinity,
    retryAfter: ENVIRONMENT_GOOD_FOR_MS,
    patience: PATIENCE_MS,
  });
  // a slot that runs is never written: its version stays
  const slotVersion = new Kept({
    read: async () => {
      const { version, problem } = await slots.inspect((await booted.get()).running);
      if (version === undefined && problem !== undefined) throw new Error(problem);
      return version;
    },
    goodFor: Infinity,
    retryAfter: VERSION_RETRY_MS,
    patience: PATIENCE_MS,
  });
  let said: ReadonlySet<string> = new Set();

  return async () => {
    const problems: Partial<Record<Part, string>> = {};
    const attempt = async <T>(part: Part, read: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await read();
      } catch (error) {
        problems[part] = reasonOf(error);
        return undefined;
      }
    };
    const [state, found, grub, memory] = await Promise.all([
      attempt("state", () => states.look()),
      attempt("boot", () => booted.get()),
      attempt("boot_environment", () => environment.get()),
      attempt("memory", () => ensureView().then(() => readMemory(disk))),
    ]);
    if (grub && !grub.effective) {
      problems.boot_environment = grub.copies.map((copy) =>
        `${copy.name}: ${"problem" in copy ? copy.problem : "well"}`
      ).join(", ");
    }
    const version = await attempt("version", async () => {
      const written = found && state?.slots[found.running]?.version;
      return await slotVersion.get().catch((error) => {
        if (written === undefined) throw error;
      }) ?? written;
    });
    report(problems);
    return {
      agent: AGENT,
      ...found,
      version,
      environment: grub,
      memory,
      state: state && settled(state, found, grub),
      problems,
    };
  };

  function report(problems: Readonly<Partial<Record<Part, string>>>): void {
    const messages = new Set(Object.values(problems));
    for (const message of messages) {
      if (!said.has(message)) reporter.report({ kind: "warning", message });
    }
    said = messages;
  }
}

/** With a roll back that no command has written down yet, as `status` shows it. */
function settled(state: UpdateState, found?: Booted, grub?: BootStatus): UpdateState {
  if (!found || !grub) return state;
  const { boot, running } = found;
  const { updated_at } = state;
  return { ...settle(state, boot, running, grub, new Date()).state, updated_at };
}
