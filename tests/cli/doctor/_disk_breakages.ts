/**
 * What goes wrong on disks, in the boot environment and in slots.
 *
 * @module
 */

import { assert } from "@std/assert";
import { ROOT } from "../../../tasks/sources.ts";
import { bootId } from "../../sandbox.ts";
import { bytesOf, type TestNode } from "../_test_node.ts";

/** Something that goes wrong, and how it is put right again. */
export interface Breakage {
  readonly what: string;
  /** In the node's file tree. */
  readonly sh?: string;
  readonly mendSh?: string;
  readonly wreck?: (node: TestNode) => Promise<unknown>;
  readonly mend?: (node: TestNode) => Promise<unknown>;
  /** All checks that have something to say: level, found, advice. */
  readonly says: Readonly<Record<string, readonly [string, RegExp, RegExp?]>>;
}

const [BAD_BLOCK, OTHER_BLOCK] = [
  "junk",
  "# GRUB Environment Block\nactive_slot=A\nboot_success=0\n",
]
  .map((text) => text.padEnd(1024, "#"));
const writeEnv = (...texts: readonly (string | undefined)[]) => (node: TestNode) =>
  node.esp(async (grub) => {
    for (const [at, name] of ["grubenv", "grubenv.bak"].entries()) {
      const text = texts[at];
      if (text !== undefined) await Deno.writeTextFile(`${grub}/${name}`, text);
    }
  });
const goodEnv = (node: TestNode) => node.setGrubenv("A", 3, 1);
const uevent = (node: TestNode, label: string) => {
  const name = node.disk.of(label).slice("/dev/".length);
  return `${node.disk.view}/sys/class/block/${name}/uevent`;
};
const rename = (label: string, to: string) => async (node: TestNode) => {
  const text = await Deno.readTextFile(uevent(node, label));
  await Deno.writeTextFile(uevent(node, label), text.replace(/^PARTNAME=.*$/m, `PARTNAME=${to}`));
};
const relabel = (label: string, to: string) => async (node: TestNode) => {
  const device = node.disk.of(label);
  const { success } = await new Deno.Command("e2label", { args: [device, to] }).output();
  assert(success);
};

/** For each one what `doctor` says of it, and of nothing else. */
export const DISK_BREAKAGES: readonly Breakage[] = [
  {
    what: "a slot's partition is gone",
    wreck: async (node) => {
      await relabel("KSOLOB", "OTHER")(node);
      await rename("KSOLOB", "OTHER")(node);
    },
    mend: async (node) => {
      await relabel("KSOLOB", "KSOLOB")(node);
      await rename("KSOLOB", "KSOLOB")(node);
    },
    says: {
      "partitions": ["problem", /^no partition KSOLOB on this machine$/, /anew from the image/],
      "passive slot": ["problem", /^looking for the partition KSOLOB: no such GPT name/],
      "room": ["problem", /^looking for the partition KSOLOB/],
    },
  },
  {
    what: "a slot has its name from its file system alone",
    wreck: rename("KSOLOB", "OTHER"),
    mend: rename("KSOLOB", "KSOLOB"),
    says: {
      "partition names": ["warning", /KSOLOB by its file system alone/, /^name it in the GPT/],
    },
  },
  {
    what: "the ESP says that it is something else",
    wreck: relabel("KSOLOEFI", "KSOLODATA"),
    mend: relabel("KSOLOEFI", "KSOLOEFI"),
    says: {
      "partition names": ["warning", /KSOLOEFI in the GPT, but KSOLODATA by its file system/],
    },
  },
  {
    what: "one copy of grubenv is garbled",
    wreck: writeEnv(BAD_BLOCK),
    mend: goodEnv,
    says: {
      "grubenv.bak": [
        "warning",
        /^grubenv: no GRUB environment block$/,
        /healthcheck` writes both/,
      ],
    },
  },
  {
    what: "the copies differ",
    wreck: writeEnv(undefined, OTHER_BLOCK),
    mend: goodEnv,
    says: { "grubenv.bak": ["warning", /^the two copies say different things$/] },
  },
  {
    what: "the second copy is gone",
    wreck: (node) => node.esp((grub) => Deno.remove(`${grub}/grubenv.bak`)),
    mend: goodEnv,
    says: { "grubenv.bak": ["warning", /^grubenv.bak: absent$/] },
  },
  {
    what: "both are no environment",
    wreck: writeEnv(BAD_BLOCK.slice(0, 100), "\0".repeat(1024)),
    mend: goodEnv,
    says: {
      "grubenv": [
        "problem",
        /^grubenv: 100 bytes instead of 1024, grubenv.bak: all zero bytes: GRUB/,
      ],
      "grubenv.bak": ["warning", /^grubenv: 100 bytes/],
    },
  },
  {
    what: "grubenv means the slot that does not run",
    wreck: (node) => node.setGrubenv("B", 9, 1),
    mend: goodEnv,
    says: {
      "grubenv": ["warning", /a counter of 0 to 3 is wanted.*but slot A runs$/, /reboot to be/],
    },
  },
  {
    what: "GRUB's configuration is somebody else's",
    wreck: (node) => node.esp((grub) => Deno.writeTextFile(`${grub}/grub.cfg`, "linux /vmlinuz\n")),
    mend: (node) =>
      node.esp((grub) => Deno.copyFile(`${ROOT}/deploy/grub/grub.cfg`, `${grub}/grub.cfg`)),
    says: {
      "grub.cfg": [
        "problem",
        /^it knows nothing of active_slot, .*: attempts are not counted/,
        /deploy\/grub/,
      ],
    },
  },
  {
    what: "GRUB fell back",
    wreck: (node) =>
      node.sandbox.boot({ commandLine: "ksolo.slot=A ksolo.boot=fallback", id: bootId(2) }),
    mend: (node) =>
      node.sandbox.boot({ commandLine: "ksolo.slot=A ksolo.boot=normal", id: bootId(3) }),
    says: { "boot": ["warning", /^GRUB fell back to slot A/, /kubesolo-update apply/] },
  },
  {
    what: "a byte of the passive slot is another one",
    wreck: (node) =>
      node.disk.mounted(
        "KSOLOB",
        (slot) => Deno.writeFile(`${slot}/vmlinuz`, bytesOf("x", 300_000)),
      ),
    mend: (node) => node.fill("B", "1.0.0"),
    says: {
      "passive slot": [
        "problem",
        /slot B .*vmlinuz reads back as SHA-256/,
        /no way back .* apply`$/,
      ],
    },
  },
  {
    what: "the running slot would not boot again",
    wreck: (node) => node.disk.mounted("KSOLOA", (slot) => Deno.remove(`${slot}/kubesolo-os.gz`)),
    mend: (node) => node.fill("A", "1.0.0"),
    says: { "running slot": ["problem", /kubesolo-os.gz missing/, /before the next reboot/] },
  },
  {
    what: "the passive slot has no room",
    wreck: (node) =>
      node.disk.mounted("KSOLOB", async (slot) => {
        await Deno.remove(`${slot}/kubesolo-os.gz`);
        await Deno.writeFile(`${slot}/theirs`, new Uint8Array(8 << 20)).catch(() => {});
      }),
    mend: async (node) => {
      await node.disk.mounted("KSOLOB", (slot) => Deno.remove(`${slot}/theirs`));
      await node.fill("B", "1.0.0");
    },
    says: {
      "passive slot": ["problem", /kubesolo-os.gz missing/],
      "room": ["problem", /^slot B takes .* what runs in slot A has 2.19 MiB$/, /larger$/],
    },
  },
];
