/**
 * Runs `serve`.
 *
 * @module
 */

import { oneLine, reasonOf, type Reporter, shortened, UpdateError } from "../../core/mod.ts";
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
import { watched } from "../serve_package/watched.ts";
import { serveUntilTold } from "../serve_until_told.ts";
import { announcer } from "./announcer.ts";
import { FleetKeeper } from "./fleet_keeper.ts";

const EXAMPLE_ADDRESS = "192.168.1.1:8000";

/** Most characters of what is said about one request. */
const MAX_LINE = 200;

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
    reporter.report({
      kind: isNews ? "step" : "detail",
      message: shortened(oneLine(`${client} ${words}`), MAX_LINE),
    });
  const fleet = new Fleet(store?.nodes());
  const parts = { catalogue, fleet, apps: appId, say };
  const handle = serveHandler(parts);
  const end = new AbortController();
  const announce = announcer(reporter);
  const watching = catalogue.watch(end.signal, () => {
    announce(catalogue.contents);
    fleet.forgetOld();
  });
  const keeper = new FleetKeeper(fleet, store, reporter);
  try {
    const where = { address, flag: "--listen", reporter };
    await serveUntilTold(where, async (request, { remoteAddr }) => {
      const { hostname, port } = remoteAddr;
      const transfer = (words: string) => say(`${hostname}:${port}`, words, true);
      try {
        return watched(await handle(request, hostname), request.signal, transfer);
      } catch (error) {
        transfer(`gets nothing: ${reasonOf(error)}`);
        return new Response("This cannot be read now\n", { status: 500 });
      }
    }, (url) => {
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
