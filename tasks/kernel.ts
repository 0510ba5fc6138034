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
export async function modulePaths(kernel: string = kernelPath()): Promise<string[]> {
  const release = basename(kernel).slice("vmlinuz-".length);
  const steps = await runText("modprobe", [
    ...["--set-version", release, "--show-depends", "--ignore-install", "--all"],
    ...WANTED_MODULES,
  ]);
  const files = steps.split("\n").flatMap((step) => /^insmod (\S+)/.exec(step)?.[1] ?? []);
  return [...new Set(files)];
}
