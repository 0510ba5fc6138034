/**
 * The kernel that images are built with: Debian's for virtual machines.
 *
 * @module
 */

import { basename, resolve } from "@std/path";
import type { Needed } from "./debian.ts";
import { DEBIAN_NAMES } from "./elf.ts";
import { runText } from "./run.ts";
import { kernelPackage, Sysroot } from "./sysroot.ts";

/** The modules that the node's init loads; what they depend on is found. */
const WANTED_MODULES = [
  "virtio_pci",
  "virtio_blk",
  "virtio_net",
  "sd_mod",
  "vfat",
  "nls_cp437",
  "nls_ascii",
  "nls_utf8",
  "isofs",
];

/** Those that there are for one architecture only. */
const WANTED_WHERE_THERE = ["ata_piix"];

/**
 * Drivers of watchdogs, as far as the kernel has them: one for virtual machines lacks most. softdog is
 * the last, so that a real one gets the name /dev/watchdog.
 */
const WATCHDOG_MODULES = [
  "wdat_wdt",
  "lpc_ich",
  "i2c-i801",
  "iTCO_wdt",
  "sp5100_tco",
  "i6300esb",
  "sbsa_gwdt",
  "sp805_wdt",
  "softdog",
];

/** This machine's own kernel package. */
export const KERNEL_PACKAGE: Needed = {
  package: kernelPackage(Deno.build.arch),
  present: () => kernelsIn(Sysroot.here()).length > 0,
};

/** The file of the newest kernel in `sysroot`. */
export function kernelPath(sysroot: Sysroot = Sysroot.here()): string {
  const [newest] = kernelsIn(sysroot);
  if (newest) return newest;
  const wanted = kernelPackage(sysroot.architecture);
  throw new Error(`no kernel in ${sysroot.at("/boot")}; install the package ${wanted}`);
}

function kernelsIn(sysroot: Sysroot): string[] {
  const boot = sysroot.at("/boot");
  const name = new RegExp(`^vmlinuz-.*-cloud-${DEBIAN_NAMES[sysroot.architecture]}$`);
  const names = [...Deno.readDirSync(boot)].map((entry) => entry.name)
    .filter((entry) => name.test(entry));
  const newestFirst = new Intl.Collator("en", { numeric: true });
  return names.sort((a, b) => newestFirst.compare(b, a)).map((name) => `${boot}/${name}`);
}

/** Files of the modules, in the order in which they can be loaded; those built in are left out. */
export interface ModulePaths {
  /** What the watchdog's drivers need comes first here. */
  readonly watchdog: readonly string[];
  /** The rest. */
  readonly others: readonly string[];
}

/** The modules that a node needs of `kernel`, a file in the `boot` of the root that has them. */
export async function modulePaths(kernel: string = kernelPath()): Promise<ModulePaths> {
  const release = basename(kernel).slice("vmlinuz-".length);
  const root = resolve(kernel, "../..");
  const there = new Set(await moduleNames(root, release));
  const isThere = (name: string) => there.has(name);
  const watchdog = await insmodSteps(root, release, WATCHDOG_MODULES.filter(isThere));
  const others = await insmodSteps(root, release, [
    ...WANTED_MODULES,
    ...WANTED_WHERE_THERE.filter(isThere),
  ]);
  return { watchdog, others: others.filter((path) => !watchdog.includes(path)) };
}

async function moduleNames(root: string, release: string): Promise<string[]> {
  const table = await Deno.readTextFile(`${root}/lib/modules/${release}/modules.dep`);
  return table.split("\n").map((line) => basename(line.split(":")[0], ".ko"));
}

async function insmodSteps(
  root: string,
  release: string,
  modules: readonly string[],
): Promise<string[]> {
  const steps = await runText("modprobe", [
    ...["--dirname", root, "--set-version", release],
    ...["--show-depends", "--ignore-install", "--all", ...modules],
  ]);
  const files = steps.split("\n").flatMap((step) => /^insmod (\S+)/.exec(step)?.[1] ?? []);
  return [...new Set(files)];
}
