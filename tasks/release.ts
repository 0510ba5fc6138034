/**
 * `deno task os-release`: a release of the operating system (the agent's own is `release_agent.ts`) as an
 * HTTP server, a stick or a slot has it: a directory with the kernel, the initramfs and `latest.json`.
 *
 * @module
 */

import { isVersion } from "../mod/core/mod.ts";
import { oneTarget, taskOptions } from "./arguments.ts";
import { compileAgent } from "./compile.ts";
import { sha256OfFile } from "./digest.ts";
import { buildEpoch } from "./epoch.ts";
import { buildInitramfs, ensureInitramfsTools, type InitramfsOptions } from "./initramfs.ts";
import { kernelPath } from "./kernel.ts";
import { main } from "./screen.ts";
import { nodePackages, Sysroot } from "./sysroot.ts";

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

const HELP = `deno task os-release --version VERSION --output DIR [--channel NAME] [--notes TEXT]
                     [--agent FILE] [--overlay DIR …] [--broken] [--target x86_64|aarch64]

Makes a release of a small system to try things with: Debian's kernel for virtual machines, an
initramfs as \`deno task initramfs\` makes it, and latest.json. The directory is what \`image\`,
\`bundle\`, \`publish\` and file servers take. The same inputs give the same bytes.

  --version VERSION   of the release
  --output DIR        where it goes; made where it is not there
  --channel NAME      whom it is for (stable)
  --notes TEXT        what is new in it
  --agent FILE        the agent (compiled where it is left out)
  --overlay DIR       files to lay over the root; may be given several times
  --broken            the service never answers its health probe: for trying a bad release
  --target ARCH       for these machines: x86_64 or aarch64; else for those of this machine's kind`;

if (import.meta.main) {
  await main(async () => {
    const values = taskOptions(HELP, {
      version: { type: "string" },
      output: { type: "string" },
      channel: { type: "string" },
      notes: { type: "string" },
      agent: { type: "string" },
      overlay: { type: "string", multiple: true, default: [] },
      broken: { type: "boolean", default: false },
      target: { type: "string", default: Deno.build.arch },
    });
    const { version, output: directory, overlay: overlays, target, ...rest } = values;
    if (!version || !directory) throw new Error(`wanted --version and --output\n\n${HELP}`);
    if (!isVersion(version)) {
      throw new Error(`--version: wanted one such as 2.0.0, found ${version}`);
    }
    const architecture = oneTarget(target);
    await ensureInitramfsTools(architecture);
    const agent = values.agent ?? await compileAgent(architecture);
    await using sysroot = await Sysroot.open(architecture, nodePackages(architecture));
    await makeRelease({ ...rest, version, directory, overlays, agent, sysroot });
    console.log(`${directory}  ${version}`);
  });
}
