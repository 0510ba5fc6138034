/**
 * Packages of Debian for any architecture, unpacked. Nothing is installed, and what the machine's own
 * dpkg and apt know is left alone.
 *
 * @module
 */

import { DEBIAN_NAMES } from "./elf.ts";
import { cacheDirectory, withLock } from "./lock.ts";
import { findProgram, ProgramError, run, runText } from "./run.ts";
import { warn } from "./screen.ts";

/** A package's control file: what Debian says about it. */
export interface Control {
  /** The package. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** The whole paragraph. */
  readonly text: string;
}

/** The archives that the machine's sources name, with lists and a cache of packages of their own. */
export class DebianArchive {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Resolves when the lists of packages are as new as can be had.
   *
   * @throws {Error} where there is no apt-get.
   */
  static async open(directory: string = `${cacheDirectory()}/debian`): Promise<DebianArchive> {
    if (!findProgram("apt-get")) throw new Error("this needs Debian's packages, and apt-get");
    const archive = new DebianArchive(directory);
    await withLock(`${directory}/.lock`, async () => {
      for (const name of ["state/lists/partial", "cache/archives/partial", "packages"]) {
        await Deno.mkdir(`${directory}/${name}`, { recursive: true });
      }
      await Deno.writeTextFile(archive.#configuration, settings(directory));
      // lists that cannot be renewed are good enough for apt, and say so here
      await archive.#apt("apt-get", ["update", "--error-on=any"]).catch((error) => {
        if (!(error instanceof ProgramError)) throw error;
        const errors = error.output.split("\n").filter((line) => line.startsWith("E: "));
        warn(`packages may be older than Debian's; apt-get says:\n${errors.join("\n")}`);
      });
    });
    return archive;
  }

  /**
   * Resolves with what Debian says about the packages when they are unpacked into `target`.
   *
   * @throws {Error} in apt-get's words where a package cannot be had, or is not what was signed.
   */
  async unpack(
    architecture: string,
    names: readonly string[],
    target: string,
  ): Promise<Control[]> {
    const packages = `${this.#directory}/packages`;
    return await withLock(`${this.#directory}/.lock`, async () => {
      const qualified = names.map((name) => `${name}:${architecture}`);
      // of what is there already, apt-get fetches what is not whole
      await this.#apt("apt-get", ["download", ...qualified], packages);
      return await Promise.all(names.map(async (name) => {
        const path = `${packages}/${await this.#fileOf(name, architecture)}`;
        await run("dpkg-deb", ["--extract", path, target]);
        const text = await runText("dpkg-deb", ["--field", path]);
        return { name, version: field(text, "Version"), text };
      }));
    });
  }

  /** What apt-get calls the file of the newest version, in which it escapes the epoch's colon. */
  async #fileOf(name: string, architecture: string): Promise<string> {
    const qualified = `${name}:${architecture}`;
    const said = await this.#apt("apt-cache", ["show", "--no-all-versions", qualified]);
    const version = field(said, "Version").replaceAll(":", "%3a");
    return `${name}_${version}_${architecture}.deb`;
  }

  get #configuration(): string {
    return `${this.#directory}/apt.conf`;
  }

  #apt(program: string, args: readonly string[], cwd?: string): Promise<string> {
    return runText(program, ["--config-file", this.#configuration, ...args], { cwd });
  }
}

/** Text of an apt.conf(5) that is read after the machine's, whose sources, keys and proxies remain. */
function settings(directory: string): string {
  const settings = {
    "Dir::State": `${directory}/state`,
    "Dir::State::status": "/dev/null",
    "Dir::Cache": `${directory}/cache`,
    // Debian's container images switch both off, and every call would read all lists anew
    "Dir::Cache::pkgcache": "pkgcache.bin",
    "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
    "APT::Architectures": Object.values(DEBIAN_NAMES).join(","),
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
  };
  return Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`).join("");
}

function field(paragraph: string, name: string): string {
  const found = new RegExp(`^${name}: (.+)$`, "m").exec(paragraph);
  if (found) return found[1];
  throw new Error(`reading what Debian says about a package: no ${name} in\n${paragraph}`);
}
