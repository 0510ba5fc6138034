/**
 * Runs `serve`.
 *
 * @module
 */

import { type Reporter, UpdateError } from "../../core/mod.ts";
import { UPDATE_PATH } from "../../omaha/mod.ts";
import {
  Catalogue,
  DigestBook,
  Fleet,
  openStore,
  servedRoot,
  serveHandler,
} from "../../serve/mod.ts";
import { parseListenAddress } from "../metrics/listen_address.ts";
import { operatorPath } from "../operator_files.ts";
import { answering, lineOf } from "../serve_package/answering.ts";
import { serveUntilTold } from "../serve_until_told.ts";
import { announcer } from "./announcer.ts";
import { FleetKeeper } from "./fleet_keeper.ts";

const EXAMPLE_ADDRESS = "192.168.1.1:8000";

/** The flags of `serve`. */
export interface ServeFlags {
  readonly dir: string;
  readonly listen: string;
  readonly database?: string;
  readonly appId: readonly string[];
}

/**
 * Serves a directory until the process is told to end.
 *
 * @throws {UpdateError} `usage` where a flag is no good, there is no such directory, or nobody can listen
 * there.
 */
export async function runServe(
  { dir, listen, appId, database }: ServeFlags,
  reporter: Reporter,
): Promise<void> {
  const address = parseListenAddress(listen, "--listen", EXAMPLE_ADDRESS);
  const directory = await servedDirectory(dir);
  await servedRoot(directory);
  const kept = await databasePath(database ?? `${directory}.sqlite`, directory);
  const { store, problem } = openStore(kept);
  if (problem !== undefined) reporter.report({ kind: "warning", message: problem });
  const catalogue = await Catalogue.open(directory, new DigestBook(store));
  const say = (client: string, words: string, isNews = false) =>
    reporter.report({ kind: isNews ? "step" : "detail", message: lineOf(client, words) });
  const fleet = new Fleet(store?.nodes());
  const parts = { catalogue, fleet, apps: appId, say };
  const answer = answering(
    serveHandler(parts),
    "This cannot be read now",
    (client, words) => say(client, words, true),
  );
  const end = new AbortController();
  const announce = announcer(reporter);
  const watching = catalogue.watch(end.signal, () => {
    announce(catalogue.contents);
    fleet.forgetOld();
  });
  const keeper = new FleetKeeper(fleet, store, reporter);
  try {
    await serveUntilTold({ address, flag: "--listen", reporter }, answer, (url) => {
      const message = `serving ${directory} at ${url}, over Omaha at ${url}${UPDATE_PATH}/`;
      reporter.report({ kind: "step", message });
      announce(catalogue.contents);
    });
  } finally {
    end.abort();
    await watching;
    keeper[Symbol.dispose]();
  }
}

/** Where the directory is; the compiled agent reads its own places alone. */
async function servedDirectory(dir: string): Promise<string> {
  try {
    return await operatorPath("--dir", dir.replace(/(?<=.)\/+$/, ""), "read");
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    throw new UpdateError(error.code, {
      operation: error.operation,
      found: error.found,
      advice: "put the releases below /var/lib/kubesolo, or mount their directory there " +
        "(mount --bind), or run deno task serve from a checkout",
      cause: error,
    });
  }
}

/** Where nodes are kept: not in what is served. */
async function databasePath(path: string, directory: string): Promise<string> {
  const clean = await operatorPath("--database", path, "write");
  if (!clean.startsWith(`${directory}/`)) return clean;
  throw new UpdateError("usage", {
    operation: "reading --database",
    found: `${path} lies in the directory that is served`,
    advice: `name a file elsewhere, such as ${directory}.sqlite`,
  });
}
