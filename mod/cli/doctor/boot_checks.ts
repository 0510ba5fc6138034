/**
 * The boot: what GRUB said, what it reads, and what it will do.
 *
 * @module
 */

import {
  type Boot,
  type BootStatus,
  forecastBoot,
  LABELS,
  readSmall,
  type Slot,
} from "../../core/mod.ts";
import { type Check, type Finding, needed, ok, problem, together, warning } from "./check.ts";
import { once } from "../once.ts";
import { onNode, type Sight } from "./sight.ts";

/** The configuration that belongs to this agent; it is embedded in the executable. */
const OWN_CONFIGURATION = new URL("../../../deploy/grub/grub.cfg", import.meta.url);

/** Most bytes of a grub.cfg that are read. */
const MAX_CONFIGURATION_BYTES = 256 << 10;

/** What any grub.cfg has to do with the three variables, whatever else it does. */
const DUTIES = ["active_slot", "boot_counter", "boot_success", "ksolo.slot="];

/** Checks of the boot. */
export function bootChecks(sight: Sight): readonly Check[] {
  const { grub, disk } = sight.parts;
  const files = once(() => grub("read", (directory) => disk.list(directory)));
  const environment = () => needed(sight.environment(), "what is in grubenv");
  return [
    {
      name: "boot",
      look: onNode(sight, async () => judgeBoot(await sight.boot(), await sight.running())),
    },
    {
      name: "ESP",
      look: onNode(sight, async () => {
        const names = await files();
        return ok(
          `${LABELS.efi} has GRUB's directory, with ${names.join(", ") || "nothing in it"}`,
        );
      }),
    },
    {
      name: "grub.cfg",
      look: onNode(sight, async () => {
        await needed(files(), "what is on the ESP");
        return await readConfiguration(sight);
      }),
    },
    {
      name: "grubenv",
      look: onNode(sight, async () => {
        const running = await needed(sight.running(), "which slot runs");
        return judgeEnvironment(await environment(), await sight.boot(), running);
      }),
    },
    { name: "grubenv.bak", look: onNode(sight, async () => judgeCopies(await environment())) },
  ];
}

function judgeBoot({ slot, why, root }: Boot, running: Slot): Finding {
  if (!slot) {
    return warning(
      `no ksolo.slot= on the kernel's command line; slot ${running} runs, as ${
        root ? "its root" : "grubenv"
      } says`,
      "boot the node through its own GRUB menu",
    );
  }
  switch (why) {
    case "nosave":
      return problem(
        "GRUB could not record an attempt, and did not try the slot on trial",
        "the ESP may be read-only or failing: look into the kernel's log",
      );
    case "fallback":
      return warning(
        `GRUB fell back to slot ${slot}: the other one could not be loaded`,
        "fill it again: `kubesolo-update apply`",
      );
    case "noenv":
      return warning(
        "GRUB found no boot environment",
        "`kubesolo-update healthcheck` makes it anew",
      );
    case "manual":
      return warning(
        `somebody chose slot ${slot} in GRUB's menu`,
        "the next boot follows grubenv again",
      );
    default:
      return ok(`slot ${slot} runs, ${why ?? "for no reason that GRUB gave"}`);
  }
}

async function readConfiguration({ parts: { grub, disk } }: Sight): Promise<Finding> {
  const advice = "put deploy/grub/grub.cfg of this version there";
  const found = await grub("read", async (directory) => {
    const path = `${directory}/grub.cfg`;
    return await disk.size(path) === undefined
      ? undefined
      : await readSmall(disk, path, MAX_CONFIGURATION_BYTES);
  });
  if (found === undefined) return problem("there is none: GRUB boots nothing", advice);
  const text = new TextDecoder().decode(found ?? new Uint8Array());
  if (text === await Deno.readTextFile(OWN_CONFIGURATION)) return ok("that of this version");
  const missing = DUTIES.filter((word) => !text.includes(word));
  if (missing.length === 0) return ok("another version of it, with all that the agent needs");
  return problem(
    `it knows nothing of ${missing.join(", ")}: attempts are not counted, and there is no way back`,
    advice,
  );
}

function judgeEnvironment(status: BootStatus, boot: Boot, running: Slot): Finding {
  const { effective } = status;
  const confirm = "`kubesolo-update healthcheck` writes both copies anew";
  if (!effective) {
    const found = status.copies.map((copy) =>
      `${copy.name}: ${"problem" in copy ? copy.problem : "well"}`
    ).join(", ");
    return problem(`${found}: GRUB boots slot A, and counts nothing`, confirm);
  }
  const { active, counter, success } = effective;
  const values = `active_slot=${active} boot_counter=${counter ?? "?"} boot_success=${+success}`;
  const { slot, why } = forecastBoot(status);
  const findings: Finding[] = [];
  if (counter === undefined) {
    findings.push(warning(`${values}: a counter of 0 to 3 is wanted; GRUB takes it as 0`, confirm));
  }
  if (success && active !== running && boot.why !== "manual") {
    findings.push(warning(
      `${values}, but slot ${running} runs`,
      `reboot to be in slot ${active}; or keep this one: \`kubesolo-update healthcheck\``,
    ));
  }
  if (!success && active === running) {
    findings.push(warning(
      `${values}: slot ${running} is on trial, and not confirmed yet`,
      "`kubesolo-update healthcheck` confirms it",
    ));
  }
  return together(findings, `${values}: GRUB boots slot ${slot} next, ${why}`);
}

function judgeCopies(status: BootStatus): Finding {
  const bad = status.copies.flatMap((copy) =>
    "problem" in copy ? [`${copy.name}: ${copy.problem}`] : []
  );
  const advice = "`kubesolo-update healthcheck` writes both copies anew";
  if (bad.length > 0) return warning(bad.join(", "), advice);
  if (forecastBoot(status).agreed) return ok("both copies say the same");
  return warning("the two copies say different things", advice);
}
