/**
 * Runs `serve-package`.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";
import { oneLine, reasonOf, type Reporter, shortened, UpdateError } from "../../core/mod.ts";
import { isStrictVersion, packageHandler, UPDATE_PATH } from "../../omaha/mod.ts";
import { parseListenAddress } from "../metrics/listen_address.ts";
import { serveUntilTold } from "../serve_until_told.ts";
import { openPackage } from "./package_file.ts";
import { watched } from "./watched.ts";

/** Where go-omaha's program listens. */
export const DEFAULT_ADDRESS = "localhost:8000";

/** Most characters of what is said about one request. */
const MAX_LINE = 200;

/** The flags of `serve-package`. */
export interface ServePackageFlags {
  readonly packageFile: string;
  readonly packageVersion: string;
  readonly listenAddress: string;
}

/**
 * Offers one package until the process is told to end.
 *
 * @throws {UpdateError} `usage` where a flag is no good, or nobody can listen there.
 */
export async function runServePackage(
  { packageFile, packageVersion, listenAddress }: ServePackageFlags,
  reporter: Reporter,
): Promise<void> {
  const flag = "--listen-address";
  const address = parseListenAddress(listenAddress, flag, DEFAULT_ADDRESS);
  if (!isStrictVersion(packageVersion)) {
    throw new UpdateError("usage", {
      operation: "reading --package-version",
      found: `"${shortened(packageVersion, MAX_LINE)}" is no semantic version`,
      advice: "write it as three numbers, such as 4230.2.1",
    });
  }
  const say = (client: string, words: string) =>
    reporter.report({ kind: "step", message: shortened(oneLine(`${client} ${words}`), MAX_LINE) });
  const served = await openPackage(packageFile, packageVersion);
  const handle = packageHandler(served, say);
  const where = { address, flag, reporter };
  await serveUntilTold(where, async (request, { remoteAddr: { hostname, port } }) => {
    const transfer = (words: string) => say(`${hostname}:${port}`, words);
    try {
      return watched(await handle(request, hostname), request.signal, transfer);
    } catch (error) {
      transfer(`gets nothing: ${reasonOf(error)}`);
      return new Response("The package cannot be read\n", { status: 500 });
    }
  }, (url) => {
    const what = `${packageFile} (${format(served.size, { binary: true })})`;
    reporter.report({
      kind: "step",
      message: `serving ${what} as version ${packageVersion} at ${url}${UPDATE_PATH}/`,
    });
  });
}
