/**
 * The disk: partitions, what they are called, how large they are.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";
import { LABELS } from "../../core/mod.ts";
import type { PartitionFacts } from "../../slots/mod.ts";
import { type Check, type Finding, ok, problem, together, warning } from "./check.ts";
import { onNode, type Sight, SYSTEM_LABELS } from "./sight.ts";

const ALL_LABELS: readonly string[] = [...SYSTEM_LABELS, LABELS.data];

/** Checks of the disk. */
export function diskChecks(sight: Sight): readonly Check[] {
  const onFacts = (judge: (facts: readonly PartitionFacts[]) => Finding) =>
    onNode(sight, async () => judge(await sight.partitions()));
  return [
    {
      name: "partitions",
      look: async () => judgePartitions(await sight.partitions(), sight.flags.disk),
    },
    { name: "partition names", look: onFacts(judgeNames) },
    { name: "partition sizes", look: onFacts(judgeSizes) },
  ];
}

/** Those that a label means: by GPT name, and only where none has that by file system. */
function called(facts: readonly PartitionFacts[], label: string): PartitionFacts[] {
  const byName = facts.filter(({ gptName }) => gptName === label);
  if (byName.length > 0) return byName;
  return facts.filter((one) => one.label === label && !ALL_LABELS.includes(one.gptName ?? ""));
}

function judgePartitions(facts: readonly PartitionFacts[], disk?: string): Finding {
  const where = disk ?? "this machine";
  if (SYSTEM_LABELS.every((label) => called(facts, label).length === 0)) {
    return problem(
      `none of ${facts.length} partitions of ${where} is called ${SYSTEM_LABELS.join(", ")}: ` +
        "it is no KubeSolo node, or its disk is not here",
      "nothing of this machine was touched; run it on a node that was installed from the image",
    );
  }
  const findings = ALL_LABELS.map((label): Finding => {
    const found = called(facts, label);
    if (found.length === 1) return ok(label);
    if (found.length > 1) {
      const devices = found.map(({ device }) => device).join(" and ");
      const advice = "take the other disk out, or name the right one with --disk";
      return problem(`${devices} are all called ${label}`, advice);
    }
    if (label === LABELS.data) {
      const advice = "make one, or see that /var/lib/kubesolo is durable by other means";
      return warning(`no partition ${label} on ${where}`, advice);
    }
    return problem(
      `no partition ${label} on ${where}`,
      "install the node anew from the image, or name its disk with --disk",
    );
  });
  const unwell = facts.filter((one) => one.problem && isSystem(one)).map((
    { device, problem: why },
  ) => problem(`${device}: ${why}`, "check it with fsck(8) while it is not mounted, and the disk"));
  const well = ALL_LABELS.map((label) => `${label} ${called(facts, label)[0]?.device}`).join(", ");
  return together([...findings, ...unwell], well);
}

function isSystem({ gptName, label }: PartitionFacts): boolean {
  return ALL_LABELS.includes(gptName ?? "") || ALL_LABELS.includes(label ?? "");
}

/** A slot may have any label: an image brings one, whichever slot it is written to. */
function judgeNames(facts: readonly PartitionFacts[]): Finding {
  const findings = ALL_LABELS.flatMap((label) =>
    called(facts, label).map((one): Finding => {
      const { device, gptName, label: own } = one;
      const isSlot = label === LABELS.A || label === LABELS.B;
      if (gptName !== label && isSlot) {
        return warning(
          `${device} is called ${label} by its file system alone, so no image can be written to it`,
          `name it in the GPT: sgdisk --change-name=NUMBER:${label} on the disk of ${device}`,
        );
      }
      if (!isSlot && own !== undefined && own !== label && ALL_LABELS.includes(own)) {
        const advice = `give its file system the label ${label}`;
        return warning(`${device} is ${label} in the GPT, but ${own} by its file system`, advice);
      }
      return ok(label);
    })
  );
  return together(findings, "GPT names and file-system labels agree");
}

function judgeSizes(facts: readonly PartitionFacts[]): Finding {
  const [a, b] = [LABELS.A, LABELS.B].map((label) => called(facts, label)[0]);
  if (!a || !b) return ok("one slot alone: nothing to compare");
  const size = ({ bytes }: PartitionFacts) => format(bytes, { binary: true });
  if (a.disk !== b.disk) {
    const advice = "GRUB looks for both on the disk that it came from: install the node anew";
    return warning(`slot A is on ${a.disk}, slot B on ${b.disk}`, advice);
  }
  if (a.bytes === b.bytes) return ok(`both slots have ${size(a)}`);
  const found = `slot A has ${size(a)}, slot B ${size(b)}`;
  return warning(found, "an image has to fit into the smaller one");
}
