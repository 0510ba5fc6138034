/**
 * The kernel that images are built with: Debian's for virtual machines.
 *
 * @module
 */

import { basename } from "@std/path";
import type { Needed } from "./debian.ts";
import { runText } from "./run.ts";

/** The modules that the node's init loads; what they depend on is found. */
const WANTED_MODULES = [
  "virtio_pci",
  "virtio_blk",
  "virtio_net",
  "ata_piix",
  "sd_mod",
  "vfat",
  "nls_cp437",
  "nls_ascii",
  "nls_utf8",
  "isofs",
];

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
  "softdog",
];

/** The package of the kernel. */
export const KERNEL_PACKAGE: Needed = {
  package: "linux-image-cloud-amd64",
  present: () => installedKernels().length > 0,
};

/** The newest installed kernel's file. */
export function kernelPath(): string {
  const [newest] = installedKernels();
  if (!newest) throw new Error("no kernel in /boot; install the package linux-image-cloud-amd64");
  return newest;
}

function installedKernels(): string[] {
  const names = [...Deno.readDirSync("/boot")].map((entry) => entry.name)
    .filter((name) => /^vmlinuz-.*-cloud-amd64$/.test(name));
  const newestFirst = new Intl.Collator("en", { numeric: true });
  return names.sort((a, b) => newestFirst.compare(b, a)).map((name) => `/boot/${name}`);
}

/** Files of the modules, in the order in which they can be loaded; those built in are left out. */
export interface ModulePaths {
  /** What the watchdog's drivers need comes first here. */
  readonly watchdog: readonly string[];
  /** The rest. */
  readonly others: readonly string[];
}

/** The modules that a node needs of `kernel`. */
export async function modulePaths(kernel: string = kernelPath()): Promise<ModulePaths> {
  const release = basename(kernel).slice("vmlinuz-".length);
  const there = new Set(await moduleNames(release));
  const watchdog = await insmodSteps(release, WATCHDOG_MODULES.filter((name) => there.has(name)));
  const others = await insmodSteps(release, WANTED_MODULES);
  return { watchdog, others: others.filter((path) => !watchdog.includes(path)) };
}

async function moduleNames(release: string): Promise<string[]> {
  const table = await Deno.readTextFile(`/lib/modules/${release}/modules.dep`);
  return table.split("\n").map((line) => basename(line.split(":")[0], ".ko"));
}

async function insmodSteps(release: string, modules: readonly string[]): Promise<string[]> {
  const steps = await runText("modprobe", [
    ...["--set-version", release, "--show-depends", "--ignore-install", "--all"],
    ...modules,
  ]);
  const files = steps.split("\n").flatMap((step) => /^insmod (\S+)/.exec(step)?.[1] ?? []);
  return [...new Set(files)];
}
