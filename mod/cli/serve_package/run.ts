/**
 * Runs `serve-package`.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";
import { type Reporter, shortened, UpdateError } from "../../core/mod.ts";
import { isStrictVersion, packageHandler, UPDATE_PATH } from "../../omaha/mod.ts";
import { parseListenAddress } from "../metrics/listen_address.ts";
import { serveUntilTold } from "../serve_until_told.ts";
import { answering, lineOf, MAX_LINE } from "./answering.ts";
import { openPackage } from "./package_file.ts";

/** Where go-omaha's program listens. */
const DEFAULT_ADDRESS = "localhost:8000";

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
    reporter.report({ kind: "step", message: lineOf(client, words) });
  const served = await openPackage(packageFile, packageVersion);
  const answer = answering(packageHandler(served, say), "The package cannot be read", say);
  await serveUntilTold({ address, flag, reporter }, answer, (url) => {
    const what = `${packageFile} (${format(served.size, { binary: true })})`;
    reporter.report({
      kind: "step",
      message: `serving ${what} as version ${packageVersion} at ${url}${UPDATE_PATH}/`,
    });
  });
}
