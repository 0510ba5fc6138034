/**
 * The source that flags or settings name.
 *
 * @module
 */

import {
  type Disk,
  type Mounts,
  type Reporter,
  type Trust,
  UpdateError,
  type UpdateSource,
} from "../core/mod.ts";
import type { Tls } from "../http/mod.ts";
import type { Settings } from "./read_settings.ts";

/** How a source is asked. */
export interface SourceOptions {
  /** Files are read through it. */
  readonly disk: Disk;
  /** Seconds without a word after which a server counts as stalled. */
  readonly stallSeconds: number;
  /** http for registries. */
  readonly plainHttp: boolean;
  /** What `--from` names; it goes before every server. */
  readonly from?: string;
  /** Mounts a device that `--from` names. */
  readonly mounts: Mounts;
  /** Ends what is held while the source is read. */
  readonly held: AsyncDisposableStack;
  readonly reporter: Reporter;
  /** Judges what it says; undefined where no key is configured. */
  readonly trust?: Trust;
  /** Opens the Omaha server, where the settings name one. */
  omaha(): Promise<UpdateSource>;
}

/** Whether releases come from an Omaha server. */
export function isOmaha(settings: Settings, from: string | undefined): boolean {
  return from === undefined && settings.given("server")?.name === "omaha";
}

/**
 * Certificates of the operator's, where there are any.
 *
 * @throws {UpdateError} `usage` where they cannot be used.
 */
export async function sourceTls(settings: Settings, disk: Disk): Promise<Tls | undefined> {
  const files = {
    caFile: settings.get("caFile"),
    clientCert: settings.get("clientCert"),
    clientKey: settings.get("clientKey"),
  };
  // loaded here, as is a room for each kind of source, since most commands ask nobody
  return Object.values(files).some((name) => name !== undefined)
    ? await (await import("./tls.ts")).readTls(disk, files)
    : undefined;
}

/**
 * Opens it; no server is asked yet.
 *
 * @throws {UpdateError} `usage` where none is named, or what belongs to it cannot be used.
 */
export async function openSource(
  settings: Settings,
  options: SourceOptions,
): Promise<UpdateSource> {
  const { disk, stallSeconds, plainHttp, from, trust } = options;
  if (from !== undefined) {
    const usualTag = settings.get("tag");
    const tag = settings.given("tag")?.origin.from === "flag" ? usualTag : undefined;
    const { openMedium } = await import("./medium.ts");
    return await openMedium(from, { ...options, tag, usualTag });
  }
  const server = settings.get("server");
  if (server === undefined) {
    throw new UpdateError("usage", {
      operation: "choosing a source",
      found: "no update server",
      advice:
        "give --server URL, --registry REPOSITORY, --omaha URL or --from PATH, or server= in /etc/kubesolo/update.conf",
    });
  }
  if (isOmaha(settings, from)) return await options.omaha();
  const tls = await sourceTls(settings, disk);
  // a server that takes a connection and says nothing stalls as well
  const common = { headersSeconds: stallSeconds, tls };
  if (typeof server === "string") {
    const { openRegistry } = await import("./registry.ts");
    return await openRegistry(server, { tag: settings.get("tag"), plainHttp, trust, ...common });
  }
  const { HttpSource } = await import("../http/mod.ts");
  return new HttpSource(server, { trust, ...common });
}
