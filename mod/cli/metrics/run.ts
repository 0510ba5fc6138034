/**
 * The three ways in which metrics leave the agent.
 *
 * @module
 */

import { dirname } from "@std/path";
import { reasonOf, replaceFile, type Reporter, UpdateError } from "../../core/mod.ts";
import { familiesOf, PROMETHEUS_TEXT } from "../../metrics/mod.ts";
import type { Desk } from "../answer.ts";
import { type PlaceFlags, watchParts } from "../node_parts.ts";
import { scopedPath } from "../scope.ts";
import { parseListenAddress } from "./listen_address.ts";
import { nodeReader } from "./read_node.ts";
import { serveMetrics } from "./serve.ts";

/** The flags of `metrics`. */
export interface MetricsFlags extends PlaceFlags {
  readonly json?: true;
  readonly listen: string;
  readonly textfile?: string;
  readonly once: boolean;
}

/**
 * Runs `metrics`: prints them, writes them to a file, or serves them.
 *
 * @throws {UpdateError} `usage` where a flag is no good; `slot` where the file cannot be written.
 */
export async function runMetrics(
  flags: MetricsFlags,
  reporter: Reporter,
  tell: Desk["tell"],
): Promise<void> {
  const address = parseListenAddress(flags.listen);
  const textfile = flags.textfile === undefined ? undefined : await textfilePath(flags.textfile);
  const parts = await watchParts(flags, reporter);
  const read = nodeReader(parts, reporter);
  if (!flags.once && textfile === undefined) return await serveMetrics(address, read, reporter);

  const families = familiesOf(await read());
  const text = PROMETHEUS_TEXT.write(families);
  if (textfile === undefined) return tell(flags, { families }, () => text.trimEnd());
  try {
    await parts.disk.makeDirectory(dirname(textfile));
    await replaceFile(parts.disk, textfile, new TextEncoder().encode(text));
  } catch (error) {
    throw new UpdateError("slot", {
      operation: `writing ${textfile}`,
      found: reasonOf(error),
      advice: "see that its file system is mounted and has room, and run it as root",
      cause: error,
    });
  }
  const series = families.reduce((sum, { samples }) => sum + samples.length, 0);
  tell(flags, { file: textfile, series }, () => `${series} series are in ${textfile}`);
}

async function textfilePath(path: string): Promise<string> {
  const clean = await scopedPath("--textfile", path, "write");
  if (clean.endsWith(".prom")) return clean;
  throw new UpdateError("usage", {
    operation: "reading --textfile",
    found: path,
    advice: "node_exporter reads files that end in .prom: name it so",
  });
}
