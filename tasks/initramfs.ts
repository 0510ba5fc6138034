/**
 * `deno task initramfs`: a node's whole root file system, packed for the kernel.
 *
 * @module
 */

import { concat } from "@std/bytes/concat";
import { reasonOf, replaceFile } from "../mod/core/mod.ts";
import { DenoDisk } from "../mod/host/mod.ts";
import { oneTarget, taskOptions } from "./arguments.ts";
import { format } from "@std/fmt/bytes";
import { dirname, relative, resolve } from "@std/path";
import { compileAgent, DIST } from "./compile.ts";
import type { Entry } from "./cpio.ts";
import { ensureInstalled, fileOf, type KnownProgram, type Needed } from "./debian.ts";
import type { Architecture } from "./elf.ts";
import { packMember, packMemberOnce } from "./gzip.ts";
import { MAX_INITRAMFS_BYTES } from "./initramfs_archives.ts";
import { type Initramfs, injectAgent, readInitramfs } from "./inject.ts";
import { KERNEL_PACKAGE, kernelPath } from "./kernel.ts";
import { rootEntries } from "./root_tree.ts";
import { main } from "./screen.ts";
import { LIBRARY_PACKAGES, nodePackages, Sysroot } from "./sysroot.ts";
import { textEntry, treeEntries, withParents } from "./tree.ts";

/** What one release's initramfs is made from. */
export interface InitramfsOptions {
  /** Text of `/etc/kubesolo-os-version`. */
  readonly version: string;
  /** The agent's file. */
  readonly agent: string;
  /** Where the initramfs goes. */
  readonly output: string;
  /** Directories whose contents are laid over the root, the last one on top. */
  readonly overlays?: readonly string[];
  /** The workload never answers its health probe: a release that cannot become healthy. */
  readonly broken?: boolean;
  /** The kernel whose modules are packed; the newest one of the root otherwise. */
  readonly kernel?: string;
  /** Where the rest comes from; this machine where it is left out. */
  readonly sysroot?: Sysroot;
}

/** What {@linkcode buildInitramfs} needs of Debian, for nodes of `architecture`. */
export function initramfsNeeds(
  architecture: Architecture = Deno.build.arch,
): readonly (KnownProgram | Needed)[] {
  const busybox = fileOf("busybox-static", "/var/lib/dpkg/info/busybox-static.list");
  // another architecture's kernel is unpacked, not installed
  const own = architecture === Deno.build.arch
    ? ["grub-editenv" as const, "mke2fs" as const, KERNEL_PACKAGE]
    : [];
  return ["modprobe", "readelf", busybox, ...own];
}

/** Resolves when {@linkcode initramfsNeeds} are here. */
export async function ensureInitramfsTools(architecture?: Architecture): Promise<void> {
  await ensureInstalled(...initramfsNeeds(architecture));
}

/**
 * Resolves when `output` is a bootable initramfs. The same inputs give the same bytes. What releases
 * have in common is packed once and kept in the cache, so the next version takes a moment.
 */
export async function buildInitramfs(options: InitramfsOptions): Promise<void> {
  const { agent, sysroot = Sysroot.here(), kernel = kernelPath(sysroot) } = options;
  const common = await rootEntries(agent, kernel, sysroot);
  const own = withParents(await releaseEntries(options), new Set(common.map(({ path }) => path)));
  await Deno.mkdir(dirname(options.output), { recursive: true });
  await Deno.writeFile(
    options.output,
    concat([await packMemberOnce(common), await packMember(own)]),
  );
}

async function releaseEntries(
  { version, overlays = [], broken }: Pick<InitramfsOptions, "version" | "overlays" | "broken">,
): Promise<Entry[]> {
  const laid = await Promise.all(overlays.map((directory) => treeEntries(directory)));
  return [
    textEntry("etc/kubesolo-os-version", `${version}\n`),
    ...broken ? [] : [textEntry("srv/www/healthz", "ok\n")],
    ...laid.flat(),
  ];
}

/** What `--into` names. */
async function openInitramfs(path: string): Promise<Initramfs> {
  const { size } = await Deno.stat(path);
  try {
    if (size > MAX_INITRAMFS_BYTES) {
      const [most, found] = [MAX_INITRAMFS_BYTES, size].map((it) => format(it, { binary: true }));
      throw new Error(`wanted at most ${most}, found ${found}`);
    }
    return readInitramfs(await Deno.readFile(path));
  } catch (error) {
    throw new Error(`${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Writes it beside its place first: that may be the place of the very one that it was made of. */
async function replaceWhole(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await replaceFile(new DenoDisk(), path, bytes);
  } catch (error) {
    await Deno.remove(`${path}.new`).catch(() => {});
    throw error;
  }
}

const HELP =
  `deno task initramfs --version VERSION --output FILE [--agent FILE] [--overlay DIR …] [--broken]
                    [--vmlinuz FILE]
deno task initramfs --into FILE --output FILE [--agent FILE]
  either with [--target x86_64|aarch64]

Packs a node's root file system: the agent and its libraries, GRUB's grub-editenv, BusyBox,
kernel modules and the node's init. The same inputs give the same bytes.

  --version VERSION   text of /etc/kubesolo-os-version
  --output FILE       where it goes (dist/kubesolo-os.gz)
  --agent FILE        the agent (compiled where it is left out)
  --overlay DIR       files to lay over the root; may be given several times
  --broken            the service never answers its health probe: for trying a bad release
  --vmlinuz FILE      where the kernel goes whose modules are in it, if anywhere
  --target ARCH       for these machines: x86_64 or aarch64; else for those of this machine's kind
  --into FILE         add the agent to this initramfs instead, and leave the rest as it is

FILE may be several archives, one after the other, as distributions have microcode before all others:
plain, gzip or zstd. What is added is packed as the last of them. Without --target it is for the
machines that the programs in it are for.`;

if (import.meta.main) {
  await main(async () => {
    const values = taskOptions(HELP, {
      version: { type: "string" },
      agent: { type: "string" },
      overlay: { type: "string", multiple: true, default: [] },
      broken: { type: "boolean", default: false },
      into: { type: "string" },
      output: { type: "string", default: `${DIST}/kubesolo-os.gz` },
      target: { type: "string" },
      vmlinuz: { type: "string" },
    });
    const { version, output, into } = values;
    if (!version && !into) throw new Error("--version: wanted the release's version, found none");
    const asked = values.target === undefined ? undefined : oneTarget(values.target);
    const initramfs = into ? await openInitramfs(into) : undefined;
    const architecture = asked ?? initramfs?.tree.architecture() ?? Deno.build.arch;
    if (into) await ensureInstalled("readelf");
    else await ensureInitramfsTools(architecture);
    const agent = values.agent ?? await compileAgent(architecture);
    const packages = into ? LIBRARY_PACKAGES : nodePackages(architecture);
    await using sysroot = await Sysroot.open(architecture, packages);
    if (initramfs) {
      const laid = await Promise.all(values.overlay.map((directory) => treeEntries(directory)));
      const stamp = version ? [textEntry("etc/kubesolo-os-version", `${version}\n`)] : [];
      const whole = await injectAgent(initramfs, agent, sysroot, [...stamp, ...laid.flat()]);
      await replaceWhole(resolve(output), whole);
    } else if (version) {
      const { overlay, broken, vmlinuz } = values;
      await buildInitramfs({ version, agent, output, overlays: overlay, broken, sysroot });
      if (vmlinuz) await Deno.copyFile(kernelPath(sysroot), vmlinuz);
    }
    const { size } = await Deno.stat(output);
    console.log(`${relative(Deno.cwd(), output)}  ${format(size, { binary: true })}`);
  });
}
