/**
 * A release of the operating system (the agent's own is `release_agent.ts`) as an HTTP server, a stick or
 * a slot has it: a directory with the kernel, the initramfs and `latest.json`.
 *
 * @module
 */

import { sha256OfFile } from "./digest.ts";
import { buildEpoch } from "./epoch.ts";
import { buildInitramfs, type InitramfsOptions } from "./initramfs.ts";
import { kernelPath } from "./kernel.ts";
import { Sysroot } from "./sysroot.ts";

/** What a release is made from. */
export interface ReleaseOptions extends Omit<InitramfsOptions, "output"> {
  /** Where it goes; made where it is not there. */
  readonly directory: string;
  readonly channel?: string;
  readonly architecture?: string;
  readonly minCompatibleVersion?: string;
  readonly notes?: string;
}

/** `latest.json`, by the names of the protocol. Addresses are relative to the file's own. */
export interface LatestJson {
  readonly version: string;
  readonly channel: string;
  readonly architecture: string;
  readonly min_compatible_version?: string;
  readonly release_notes: string;
  readonly release_date: string;
  readonly vmlinuz_url: string;
  readonly vmlinuz_sha256: string;
  readonly vmlinuz_size: number;
  readonly initramfs_url: string;
  readonly initramfs_sha256: string;
  readonly initramfs_size: number;
}

/** Resolves with `latest.json` when `directory` is a whole release. */
export async function makeRelease(options: ReleaseOptions): Promise<LatestJson> {
  const { directory, sysroot = Sysroot.here(), kernel = kernelPath(sysroot), ...rest } = options;
  const vmlinuz = `${directory}/vmlinuz`;
  const initramfs = `${directory}/kubesolo-os.gz`;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.copyFile(kernel, vmlinuz);
  await buildInitramfs({ ...rest, sysroot, kernel, output: initramfs });
  const latest: LatestJson = {
    version: options.version,
    channel: options.channel ?? "stable",
    architecture: options.architecture ?? sysroot.architecture,
    ...options.minCompatibleVersion && { min_compatible_version: options.minCompatibleVersion },
    release_notes: options.notes ?? `Version ${options.version}`,
    release_date: new Date(buildEpoch() * 1000).toISOString(),
    vmlinuz_url: "vmlinuz",
    vmlinuz_sha256: await sha256OfFile(vmlinuz),
    vmlinuz_size: (await Deno.stat(vmlinuz)).size,
    initramfs_url: "kubesolo-os.gz",
    initramfs_sha256: await sha256OfFile(initramfs),
    initramfs_size: (await Deno.stat(initramfs)).size,
  };
  await Deno.writeTextFile(`${directory}/latest.json`, `${JSON.stringify(latest, null, 2)}\n`);
  return latest;
}
