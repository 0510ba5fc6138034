/**
 * Updates that an Omaha server offers.
 *
 * @module
 */

import {
  type Artifact,
  type ArtifactBody,
  compareVersions,
  type Release,
  releaseWith,
  type Reporter,
  UpdateError,
  type UpdateSource,
  type Withheld,
} from "../core/mod.ts";
import { type HttpOptions, HttpSource, type WebClient } from "../http/mod.ts";
import { addressOf } from "./_codebase.ts";
import { PackageDownload } from "./_download.ts";
import type { OmahaClient } from "./client.ts";
import { type OfferedRelease, readOffer } from "./offer.ts";
import { statementName } from "./release_terms.ts";

/** What an {@linkcode OmahaSource} is made of. */
export interface OmahaSourceOptions {
  /** Asks for the node. */
  readonly client: OmahaClient;
  /** The server's address. */
  readonly server: URL;
  /** Fetches packages. */
  readonly web: WebClient;
  /** How statements are asked for; its trust judges them before anything of them is read. */
  readonly http: HttpOptions;
  /** Hears what is worth saying. */
  readonly reporter: Reporter;
}

/** A release as it was offered, and what became of it. */
interface Known {
  readonly release: Release;
  readonly offered: OfferedRelease;
  readonly downloads: Map<string, PackageDownload>;
}

/**
 * An Omaha server. Where somebody is to have signed, each release needs a signed statement beside its
 * packages ({@linkcode statementName}), which has it as its newest or as a stepping stone, and is what that
 * says; the server's word is then only where to find it. Floors are its stepping stones.
 */
export class OmahaSource implements UpdateSource, Disposable {
  /** The server's address. */
  readonly name: string;
  readonly #options: OmahaSourceOptions;
  #codebases: readonly URL[] = [];
  #floors: readonly OfferedRelease[] = [];
  #known: readonly Known[] = [];

  /** Nothing is asked yet. */
  constructor(options: OmahaSourceOptions) {
    this.name = options.client.name;
    this.#options = options;
  }

  /**
   * What the server offers now; undefined where that is nothing, and why where it is nothing only now.
   *
   * @throws {UpdateError} `source` where it does not answer well, `verification` where what it offers is
   * no release, or not signed as the trust wants it.
   */
  async latest(signal?: AbortSignal): Promise<Release | Withheld | undefined> {
    const { client, server, reporter } = this.#options;
    const check = await client.checkForUpdate(signal);
    if (!check || "withheld" in check) return check;
    const { codebases, target, floors } = readOffer(check, server);
    const payload = target.packages.map(({ sha1 }) => sha1).join(" ");
    const waiting = await client.backingOff(payload, target.backsOff);
    if (waiting) return waiting;
    this.#codebases = codebases;
    this.#floors = floors;
    if (target.deadline) {
      const message = `the server wants ${target.release.version} installed by ${target.deadline}`;
      reporter.report({ kind: "detail", message });
    }
    const known = await this.#vouched(target, signal);
    this.#known = [known];
    return known.release;
  }

  /**
   * The floors of the answer that was last read.
   *
   * @throws {UpdateError} as {@linkcode OmahaSource.latest} does.
   */
  async steppingStones(signal?: AbortSignal): Promise<readonly Release[]> {
    const stones: Known[] = [];
    for (const floor of this.#floors) stones.push(await this.#vouched(floor, signal));
    this.#known = [...this.#known.slice(0, 1), ...stones];
    return stones.map(({ release }) => release);
  }

  /**
   * The bytes of a package of a release that was offered, from whichever codebase has it. Bytes of the
   * wrong size or SHA-1 end the transfer once they are there.
   *
   * @throws {SourceInterrupted} where asking again may help.
   * @throws {UpdateError} `source` or `verification` where it will not, at no codebase.
   */
  async open(artifact: Artifact, offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    const known = releaseWith(this.#known, artifact);
    const wanted = known?.offered.packages.find(({ name }) => name === artifact.name);
    if (!known || !wanted) {
      throw new UpdateError("source", {
        operation: `fetching ${artifact.name}`,
        found: `${this.name} has not offered it`,
        advice: "run it again",
      });
    }
    const { downloads, offered } = known;
    const download = downloads.get(wanted.name) ??
      new PackageDownload(this.#options.web, wanted, this.#codebases, offered.maxFailures);
    downloads.set(wanted.name, download);
    return await download.open(offset, signal);
  }

  /** Ends the connections that it keeps for certificates of its own. */
  [Symbol.dispose](): void {
    this.#options.web[Symbol.dispose]();
  }

  /** The release as the server has it, or, where somebody is to have signed, as that one has it. */
  async #vouched(offered: OfferedRelease, signal?: AbortSignal): Promise<Known> {
    const { http } = this.#options;
    const release = http.trust ? await this.#stated(offered, signal) : offered.release;
    return { release, offered, downloads: new Map() };
  }

  async #stated(offered: OfferedRelease, signal?: AbortSignal): Promise<Release> {
    const name = statementName(offered.packages[0].path);
    let failure: unknown;
    for (const codebase of this.#codebases) {
      const address = addressOf(codebase, name);
      try {
        using source = new HttpSource(address, this.#options.http);
        const stated = [await source.latest(signal), ...await source.steppingStones()];
        const same = stated.find(({ version }) => version === offered.release.version);
        return agreed(offered, same ?? stated[0], source.name);
      } catch (error) {
        if (!(error instanceof UpdateError)) throw error;
        // that something is wrong says more than that nothing is there
        if (failure === undefined || error.code === "verification") failure = error;
      }
    }
    throw failure;
  }
}

/** The release that is stated, which has to be the one that is offered. */
function agreed({ release, packages }: OfferedRelease, stated: Release, name: string): Release {
  const refuse = (found: string, wanted: string) =>
    new UpdateError("verification", {
      operation: `comparing what the Omaha server offers with ${name}`,
      found: `${found} is offered, ${wanted} is stated`,
      advice: "publish the statement of this very release beside its packages",
    });
  if (compareVersions(release.version, stated.version) !== 0) {
    throw refuse(`version ${release.version}`, stated.version);
  }
  const artifacts = stated.artifacts.map(({ name, sha256, size }) => {
    const offered = packages.find((one) => one.name === name);
    if (!offered) throw refuse(packages.map(({ name }) => name).join(" and "), name);
    if (offered.sha256 !== sha256) {
      throw refuse(`${name} of SHA-256 ${offered.sha256}`, `of ${sha256}`);
    }
    if (size !== undefined && size !== offered.size) {
      throw refuse(`${name} of ${offered.size} bytes`, `of ${size}`);
    }
    return { name, sha256, size: offered.size };
  });
  return { ...stated, minCompatibleVersion: later(stated, release), artifacts };
}

function later(a: Release, b: Release): string | undefined {
  const [one, other] = [a.minCompatibleVersion, b.minCompatibleVersion];
  if (one === undefined || other === undefined) return one ?? other;
  return compareVersions(one, other) >= 0 ? one : other;
}
