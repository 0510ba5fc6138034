/**
 * The programs and files of Debian that tasks need.
 *
 * @module
 */

import { cacheDirectory, withLock } from "./lock.ts";
import { findProgram, ProgramError, run, runText } from "./run.ts";
import { say } from "./screen.ts";

/** The package of each program that a task runs. */
const PACKAGE_OF = {
  blkid: "util-linux",
  debugfs: "e2fsprogs",
  "e2fsck": "e2fsprogs",
  "fsck.fat": "dosfstools",
  "grub-editenv": "grub-common",
  "grub-mkimage": "grub-common",
  "grub-script-check": "grub-common",
  mcopy: "mtools",
  mke2fs: "e2fsprogs",
  "mkfs.fat": "dosfstools",
  modprobe: "kmod",
  "qemu-aarch64-static": "qemu-user-static",
  "qemu-system-aarch64": "qemu-system-arm",
  "qemu-system-x86_64": "qemu-system-x86",
  readelf: "binutils",
  sgdisk: "gdisk",
  shellcheck: "shellcheck",
  tar: "tar",
  zstd: "zstd",
} as const;

/** A program that {@linkcode ensureInstalled} knows the package of. */
export type KnownProgram = keyof typeof PACKAGE_OF;

/** Anything else that a package brings. */
export interface Needed {
  readonly package: string;
  /** Whether it is here already. */
  readonly present: () => boolean;
}

/** A file that `package` brings, at the absolute path `path`. */
export function fileOf(debianPackage: string, path: string): Needed {
  return { package: debianPackage, present: () => exists(path) };
}

/** The packages, without repetition, of what is not here. */
export function missingPackages(needed: readonly (KnownProgram | Needed)[]): string[] {
  const missing = needed.flatMap((item) => {
    if (typeof item !== "string") return item.present() ? [] : [item.package];
    return findProgram(item) ? [] : [PACKAGE_OF[item]];
  });
  return [...new Set(missing)].sort();
}

/**
 * Resolves when everything `needed` is here; what is missing was then installed, which takes root
 * and Debian.
 *
 * @throws {Error} with the one line to run where this process may not install.
 */
export async function ensureInstalled(...needed: (KnownProgram | Needed)[]): Promise<void> {
  if (missingPackages(needed).length === 0) return;
  // Tasks that run side by side wait for each other here, and the second finds everything done.
  await withLock(`${cacheDirectory()}/apt.lock`, async () => {
    const missing = missingPackages(needed);
    if (missing.length > 0) await install(missing);
  });
  const still = missingPackages(needed);
  if (still.length > 0) {
    throw new Error(
      `installed ${still.join(" ")}, but what it should bring is not there; ` +
        `look with: dpkg -L ${still.join(" ")}`,
    );
  }
}

/**
 * Resolves when `packages` are installed.
 *
 * @throws {Error} with the one line to run where this process is not root; else with apt-get's words.
 */
export async function install(
  packages: readonly string[],
  asRoot: boolean = Deno.uid() === 0,
): Promise<void> {
  const list = packages.join(" ");
  if (!findProgram("apt-get")) {
    throw new Error(`this needs Debian's packages ${list}, and there is no apt-get here`);
  }
  if (!asRoot) {
    throw new Error(
      `this needs packages that are not installed; run: sudo apt-get install --no-install-recommends ${list}`,
    );
  }
  say(`installing ${list} (apt-get)`);
  const options = ["-y", "-o", "DPkg::Lock::Timeout=300"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  // Package lists that cannot be renewed may still be good enough: the install below tells.
  const update = await runText("apt-get", [...options, "update"], { env }).catch(outputOf);
  try {
    const args = [...options, "install", "--no-install-recommends", ...packages];
    await withoutServices(() => run("apt-get", args, { env }));
  } catch (error) {
    throw new Error(`cannot install ${list}:\n${update}\n${outputOf(error)}`, { cause: error });
  }
}

/**
 * Runs `body` while no package starts the service that it brings: tests start their own. A machine that
 * has a policy for that already keeps it (invoke-rc.d(8)).
 */
export async function withoutServices(
  body: () => Promise<unknown>,
  policy = "/usr/sbin/policy-rc.d",
): Promise<void> {
  const own = !exists(policy);
  // one that a killed task leaves behind forbids nothing any more
  const script = `#!/bin/sh\nkill -0 ${Deno.pid} 2>/dev/null && exit 101\nexit 0\n`;
  if (own) await Deno.writeTextFile(policy, script, { mode: 0o755 });
  try {
    await body();
  } finally {
    if (own) await Deno.remove(policy);
  }
}

function outputOf(error: unknown): string {
  if (error instanceof ProgramError) return error.message;
  throw error;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
