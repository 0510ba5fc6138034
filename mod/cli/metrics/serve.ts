/**
 * Serves metrics until the process is told to end.
 *
 * @module
 */

import type { Reporter } from "../../core/mod.ts";
import { metricsHandler, type NodeReading } from "../../metrics/mod.ts";
import { serveUntilTold } from "../serve_until_told.ts";
import type { ListenAddress } from "./listen_address.ts";

/**
 * Answers at `address`. Resolves after SIGTERM or SIGINT, when what was being answered has been.
 *
 * @throws {UpdateError} `usage` where nobody can listen there.
 */
export async function serveMetrics(
  address: ListenAddress,
  read: () => Promise<NodeReading>,
  reporter: Reporter,
): Promise<void> {
  await serveUntilTold({ address, flag: "--listen", reporter }, metricsHandler(read), (url) => {
    reporter.report({ kind: "step", message: `serving ${url}/metrics` });
  });
}
