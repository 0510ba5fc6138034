/**
 * What a node's initramfs holds, apart from what makes one release differ from the next.
 *
 * @module
 */

import { basename } from "@std/path";
import type { Entry } from "./cpio.ts";
import { modulePaths } from "./kernel.ts";
import { librariesOf } from "./libraries.ts";
import { findProgram, runText } from "./run.ts";
import { ROOT } from "./sources.ts";
import type { Sysroot } from "./sysroot.ts";
import { fileEntry, textEntry, withParents } from "./tree.ts";

const INIT = `${ROOT}/deploy/init`;

/** Where the node has the agent. */
export const AGENT_PATH = "usr/bin/kubesolo-update";

/** Directories that must be there for something to be mounted on or written to. */
const DIRECTORIES = [
  ...["dev", "etc/kubesolo", "mnt/data", "proc", "root", "run", "srv/www", "sys", "tmp"],
  ...["usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "var/lib/cloud", "var/lib/kubesolo"],
];

/** Links into `usr`, as in Debian's root. */
const MERGED_INTO_USR = ["bin", "lib", "lib64", "sbin"];

/** Applets that the agent spawns from here, though the rest are in `usr/bin`. */
const IN_SBIN = ["halt", "poweroff", "reboot"];

/**
 * Programs that the agent spawns, besides BusyBox's, and where Debian has them: what edits grubenv, and
 * for installing onto a disk what makes, fills and checks ext4 (with its libraries 1.7 MB).
 */
const SPAWNED = [
  { path: "usr/bin/grub-editenv", source: "/usr/bin/grub-editenv" },
  ...["mke2fs", "resize2fs", "debugfs", "e2fsck"]
    .map((name) => ({ path: `usr/sbin/${name}`, source: `/sbin/${name}` })),
];

/**
 * The root file system of a node: the init, the agent, the modules of `kernel`, and out of `sysroot`
 * BusyBox, grub-editenv and e2fsprogs.
 */
export async function rootEntries(
  agent: string,
  kernel: string,
  sysroot: Sysroot,
): Promise<Entry[]> {
  const directories = DIRECTORIES.map((path): Entry => ({ kind: "directory", path }));
  const links = MERGED_INTO_USR.map((name): Entry => ({
    kind: "link",
    path: name,
    target: `usr/${name}`,
  }));
  return withParents([
    ...directories,
    ...links,
    // Without it the kernel starts the init with no standard streams.
    { kind: "character", path: "dev/console", device: [5, 1] },
    await fileEntry("init", `${INIT}/init`, 0o755),
    await fileEntry("etc/udhcpc/default.script", `${INIT}/udhcpc.script`, 0o755),
    await fileEntry("usr/sbin/workload", `${INIT}/workload`, 0o755),
    ...await busyboxEntries(sysroot),
    ...await moduleEntries(kernel),
    ...await programEntries(agent, sysroot),
  ]);
}

async function busyboxEntries(sysroot: Sysroot): Promise<Entry[]> {
  const busybox = required("busybox", "busybox-static");
  // Debian's has the same applets on every architecture, and only this machine's can be asked
  const applets = (await runText(busybox, ["--list"])).split("\n").filter(Boolean).sort();
  return [
    await fileEntry("usr/bin/busybox", sysroot.root ? sysroot.at("/bin/busybox") : busybox, 0o755),
    ...applets.filter((applet) => applet !== "busybox").map((applet): Entry => {
      const sbin = IN_SBIN.includes(applet);
      return {
        kind: "link",
        path: `usr/${sbin ? "sbin" : "bin"}/${applet}`,
        target: sbin ? "../bin/busybox" : "busybox",
      };
    }),
  ];
}

async function moduleEntries(kernel: string): Promise<Entry[]> {
  const { watchdog, others } = await modulePaths(kernel);
  const list = (paths: readonly string[]) =>
    paths.map((path) => `${basename(path, ".ko")}\n`).join("");
  return [
    textEntry("etc/modules", list(others)),
    textEntry("etc/modules-watchdog", list(watchdog)),
    ...await Promise.all(
      [...watchdog, ...others].map((path) => fileEntry(`usr/lib/modules/${basename(path)}`, path)),
    ),
  ];
}

/** The agent, {@linkcode SPAWNED} as far as `sysroot` has them, and the libraries of all. */
async function programEntries(agent: string, sysroot: Sysroot): Promise<Entry[]> {
  const spawned = SPAWNED.flatMap(({ path, source }) => {
    const found = findProgram(sysroot.at(source));
    return found ? [{ path, found }] : [];
  });
  const libraries = await librariesOf(sysroot, agent, ...spawned.map(({ found }) => found));
  return await Promise.all([
    ...libraries.map(({ path, source }) => fileEntry(path.slice(1), source, 0o755)),
    ...spawned.map(({ path, found }) => fileEntry(path, found, 0o755)),
    fileEntry(AGENT_PATH, agent, 0o755),
  ]);
}

function required(program: string, debianPackage: string): string {
  const path = findProgram(program);
  if (path) return path;
  throw new Error(`no ${program} here; install the package ${debianPackage}`);
}
