/**
 * `deno task initramfs`: a node's whole root file system, packed for the kernel.
 *
 * @module
 */

import { taskOptions } from "./arguments.ts";
import { format } from "@std/fmt/bytes";
import { dirname, relative } from "@std/path";
import { compileAgent, DIST } from "./compile.ts";
import { concatenate, type Entry } from "./cpio.ts";
import { ensureInstalled, fileOf, type KnownProgram, type Needed } from "./debian.ts";
import { packMember, packMemberOnce } from "./gzip.ts";
import { injectAgent } from "./inject.ts";
import { KERNEL_PACKAGE, kernelPath } from "./kernel.ts";
import { rootEntries } from "./root_tree.ts";
import { main } from "./screen.ts";
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
  /** The kernel whose modules are packed; the newest installed one otherwise. */
  readonly kernel?: string;
}

/** What {@linkcode buildInitramfs} needs of Debian. */
export const INITRAMFS_NEEDS: readonly (KnownProgram | Needed)[] = [
  "modprobe",
  "grub-editenv",
  fileOf("busybox-static", "/var/lib/dpkg/info/busybox-static.list"),
  KERNEL_PACKAGE,
];

/** Resolves when {@linkcode INITRAMFS_NEEDS} are here. */
export async function ensureInitramfsTools(): Promise<void> {
  await ensureInstalled(...INITRAMFS_NEEDS);
}

/**
 * Resolves when `output` is a bootable initramfs. The same inputs give the same bytes. What releases
 * have in common is packed once and kept in the cache, so the next version takes a moment.
 */
export async function buildInitramfs(options: InitramfsOptions): Promise<void> {
  const common = await rootEntries(options.agent, options.kernel ?? kernelPath());
  const own = withParents(await releaseEntries(options), new Set(common.map(({ path }) => path)));
  await Deno.mkdir(dirname(options.output), { recursive: true });
  await Deno.writeFile(
    options.output,
    concatenate([await packMemberOnce(common), await packMember(own)]),
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

const HELP =
  `deno task initramfs --version VERSION --output FILE [--agent FILE] [--overlay DIR …] [--broken]
deno task initramfs --into FILE --output FILE [--agent FILE]

Packs a node's root file system: the agent and its libraries, GRUB's grub-editenv, BusyBox,
kernel modules and the node's init. The same inputs give the same bytes.

  --version VERSION   text of /etc/kubesolo-os-version
  --output FILE       where it goes (dist/kubesolo-os.gz)
  --agent FILE        the agent (compiled where it is left out)
  --overlay DIR       files to lay over the root; may be given several times
  --broken            the service never answers its health probe: for trying a bad release
  --into FILE         add the agent to this initramfs instead, and leave the rest as it is`;

if (import.meta.main) {
  await main(async () => {
    const values = taskOptions(HELP, {
      version: { type: "string" },
      agent: { type: "string" },
      overlay: { type: "string", multiple: true, default: [] },
      broken: { type: "boolean", default: false },
      into: { type: "string" },
      output: { type: "string", default: `${DIST}/kubesolo-os.gz` },
    });
    const { version, output, into } = values;
    if (!version && !into) throw new Error("--version: wanted the release's version, found none");
    const agent = values.agent ?? await compileAgent("x86_64");
    if (into) {
      const laid = await Promise.all(values.overlay.map((directory) => treeEntries(directory)));
      const stamp = version ? [textEntry("etc/kubesolo-os-version", `${version}\n`)] : [];
      const whole = await injectAgent(await Deno.readFile(into), agent, [...stamp, ...laid.flat()]);
      await Deno.writeFile(output, whole);
    } else if (version) {
      await ensureInitramfsTools();
      await buildInitramfs({
        version,
        agent,
        output,
        overlays: values.overlay,
        broken: values.broken,
      });
    }
    const { size } = await Deno.stat(output);
    console.log(`${relative(Deno.cwd(), output)}  ${format(size, { binary: true })}`);
  });
}
