/**
 * The root file system of the agent's container image: what the agent needs, and nothing else.
 *
 * @module
 */

import { basename, dirname, relative } from "@std/path";
import type { Entry } from "../cpio.ts";
import type { Architecture } from "../elf.ts";
import { AGENT_PATH } from "../root_tree.ts";
import { ROOT } from "../sources.ts";
import { fileEntry, textEntry, treeEntries, withParents } from "../tree.ts";
import type { Control, DebianArchive } from "../debian_archive.ts";
import { neededLibraries } from "../needed_libraries.ts";

/** Where the files come from. BusyBox is mount and umount; base-files has texts of licences. */
const PACKAGES = ["libc6", "libgcc-s1", "busybox-static", "base-files"];

const COMMON_LICENCES = "usr/share/common-licenses";

/**
 * Programs that the agent runs, out of BusyBox. There is no `reboot`: it would tell the container's own
 * first process, and call that success, while without it the agent leaves a request for the node.
 */
const APPLETS = ["mount", "umount"];

/** Places for what a container runtime mounts, and for what the agent writes. */
const DIRECTORIES: readonly Entry[] = [
  ...["dev", "etc/kubesolo", "proc", "run/kubesolo-update", "sys", "var/lib/kubesolo"]
    .map((path): Entry => ({ kind: "directory", path })),
  { kind: "directory", path: "tmp", mode: 0o1777 },
];

/** Which machine a root is for, in the words of each place. */
export interface Machine {
  /** As `uname -m` says it. */
  readonly name: Architecture;
  /** As Debian and Go say it. */
  readonly architecture: string;
}

/** What changes with Debian, and what with the agent. */
export interface ImageRoot {
  readonly base: readonly Entry[];
  readonly agent: readonly Entry[];
  /** Where the base comes from. */
  readonly packages: readonly Control[];
}

/** The root for `agent` on `machine`; packages are unpacked into the empty directory `scratch`. */
export async function imageRoot(
  agent: string,
  machine: Machine,
  debian: DebianArchive,
  scratch: string,
): Promise<ImageRoot> {
  const packages = await debian.unpack(machine.architecture, PACKAGES, scratch);
  const shared = await sharedDocumentation(scratch);
  packages.push(
    ...await debian.unpack(machine.architecture, [...new Set(shared.values())], scratch),
  );
  const base = withParents([
    ...DIRECTORIES,
    ...await libraryEntries(agent, machine, scratch),
    await fileEntry("usr/bin/busybox", `${scratch}/bin/busybox`, 0o755),
    ...APPLETS.map((name): Entry => ({ kind: "link", path: `usr/bin/${name}`, target: "busybox" })),
    textEntry("etc/passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\n"),
    textEntry("etc/group", "root:x:0:\n"),
    // without it some versions of glibc ask DNS before they look into /etc/hosts
    textEntry("etc/nsswitch.conf", "hosts: files dns\n"),
    ...await Promise.all(packages.map(({ name }) => licence(name, shared.get(name), scratch))),
    ...(await treeEntries(`${scratch}/${COMMON_LICENCES}`))
      .map((entry) => ({ ...entry, path: `${COMMON_LICENCES}/${entry.path}` })),
    // where scanners of images look for the distribution and its packages
    await fileEntry("usr/lib/os-release", `${scratch}/usr/lib/os-release`),
    { kind: "link", path: "etc/os-release", target: "../usr/lib/os-release" },
    ...packages.map(({ name, text }) => textEntry(`var/lib/dpkg/status.d/${name}`, text)),
  ]);
  return {
    base,
    agent: withParents([
      await fileEntry(AGENT_PATH, agent, 0o755),
      await fileEntry("usr/share/doc/kubesolo-update/LICENSE", `${ROOT}/LICENSE`),
    ]),
    packages,
  };
}

/** Libraries where Debian has them since everything moved into `usr`, and the links from before. */
async function libraryEntries(
  agent: string,
  { name: machine }: Machine,
  scratch: string,
): Promise<Entry[]> {
  const home = `lib/${machine}-linux-gnu`;
  const { loader, libraries } = await neededLibraries(agent, [`${scratch}/${home}`]);
  if (!loader) throw new Error(`${agent}: wanted a program with a dynamic loader, found none`);
  const loaderLink = `usr${loader}`;
  const merged = new Set(["bin", "lib", loader.split("/")[1]]);
  return [
    ...[...merged].map((path): Entry => ({ kind: "link", path, target: `usr/${path}` })),
    ...await Promise.all(
      libraries.map((path) => fileEntry(`usr/${home}/${basename(path)}`, path, 0o755)),
    ),
    {
      kind: "link",
      path: loaderLink,
      target: relative(`/${dirname(loaderLink)}`, `/usr/${home}/${basename(loader)}`),
    },
  ];
}

/** Packages whose documentation is that of another one, and which that is. */
async function sharedDocumentation(scratch: string): Promise<Map<string, string>> {
  const shared = new Map<string, string>();
  for await (const { name, isSymlink } of Deno.readDir(`${scratch}/usr/share/doc`)) {
    if (isSymlink) shared.set(name, await Deno.readLink(`${scratch}/usr/share/doc/${name}`));
  }
  return shared;
}

async function licence(name: string, shared: string | undefined, scratch: string): Promise<Entry> {
  const path = `usr/share/doc/${name}`;
  if (shared) return { kind: "link", path, target: shared };
  return await fileEntry(`${path}/copyright`, `${scratch}/${path}/copyright`);
}
