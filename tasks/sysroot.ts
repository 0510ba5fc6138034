/**
 * Where the files of a node come from: this machine, or Debian's packages of another architecture.
 *
 * @module
 */

import { DebianArchive } from "./debian_archive.ts";
import { type Architecture, DEBIAN_NAMES } from "./elf.ts";
import { runText } from "./run.ts";
import { say } from "./screen.ts";

/** What the agent is linked to. */
export const LIBRARY_PACKAGES: readonly string[] = ["libc6", "libgcc-s1"];

/** What else a node's initramfs has, its programs' libraries among it. */
const NODE_PACKAGES = [
  ...["e2fsprogs", "libblkid1", "libcom-err2", "libext2fs2", "libss2", "libuuid1"],
  ...["busybox-static", "grub-common", "libdevmapper1.02.1", "liblzma5", "libpcre2-8-0"],
  ...["libselinux1", "libudev1"],
];

/** The package that depends on Debian's newest kernel for virtual machines. */
export function kernelPackage(architecture: Architecture): string {
  return `linux-image-cloud-${DEBIAN_NAMES[architecture]}`;
}

/** All that an initramfs and its kernel take. */
export function nodePackages(architecture: Architecture): string[] {
  return [kernelPackage(architecture), ...NODE_PACKAGES, ...LIBRARY_PACKAGES];
}

/** A root file system with programs of one architecture; they are read, not run. */
export class Sysroot implements AsyncDisposable {
  readonly architecture: Architecture;
  /** What paths in it begin with: a directory, or nothing, which is this machine. */
  readonly root: string;

  private constructor(architecture: Architecture, root: string) {
    this.architecture = architecture;
    this.root = root;
  }

  /** This machine itself. */
  static here(): Sysroot {
    return new Sysroot(Deno.build.arch, "");
  }

  /**
   * This machine where it is of `architecture`, whatever it has installed; else a scratch directory with
   * Debian's `packages`, unpacked and not installed.
   *
   * @throws {Error} where the packages cannot be had.
   */
  static async open(architecture: Architecture, packages: readonly string[]): Promise<Sysroot> {
    if (architecture === Deno.build.arch) return Sysroot.here();
    const debian = DEBIAN_NAMES[architecture];
    say(`unpacking Debian's packages for ${debian} (they are not installed)`);
    const archive = await DebianArchive.open();
    const root = await Deno.makeTempDir({ prefix: `sysroot-${debian}-` });
    const sysroot = new Sysroot(architecture, root);
    try {
      const unpacked = await archive.unpack(debian, packages, root);
      const kernels = unpacked.flatMap(({ text }) =>
        /^Depends: (linux-image-\S+)/m.exec(text)?.[1] ?? []
      );
      for (const kernel of kernels) {
        await archive.unpack(debian, [kernel], root);
        await runText("depmod", ["--basedir", root, kernel.slice("linux-image-".length)]);
      }
      return sysroot;
    } catch (error) {
      await sysroot[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where the file is that programs of this root know as `path`. */
  at(path: string): string {
    return this.root + path;
  }

  /** Removes what {@linkcode Sysroot.open} has made. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.root) await Deno.remove(this.root, { recursive: true });
  }
}
