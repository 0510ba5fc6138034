/**
 * `config apply-cloud-init`: update.conf out of the `updates:` block of a cloud-config.
 *
 * @module
 */

import { type Disk, reasonOf, replaceFile, UpdateError } from "../core/mod.ts";
import { MAX_CLOUD_CONFIG_BYTES, readCloudConfig } from "./cloud_config.ts";
import { confLine, readConf, saysJust } from "./conf_file.ts";
import { type Given, keyOf } from "./read_settings.ts";
import { problemOf } from "./report_settings.ts";
import { readSmallText } from "./small_text.ts";

/** How the first line of a file begins that was made here; any other file was written by a person. */
const MARK = "# made by kubesolo-update from the updates: block of ";

/** What `config apply-cloud-init` did. */
export interface Applied {
  /** `written`; `unchanged`: it says the same already; `left_alone`: there was nothing to write. */
  readonly result: "written" | "unchanged" | "left_alone";
  /** The update.conf. */
  readonly file: string;
  /** The settings in the block, by their names there. */
  readonly keys: readonly string[];
  /** Where the file that a person had written is now. */
  readonly backup?: string;
}

/**
 * Makes the file at `conf` of the cloud-config at `from`. A file that a person wrote is replaced only
 * where the block has settings, and is kept beside it as `.bak`. One that was made here follows the
 * block, also where that is empty now; without a block everything stays as it is.
 *
 * After a power cut there is either the old file or the new one.
 *
 * @throws {UpdateError} `usage` where anything in the document is no good, `slot` where the file cannot
 * be written; then nothing has changed.
 */
export async function applyCloudInit(
  disk: Disk,
  { from, conf }: { readonly from: string; readonly conf: string },
): Promise<Applied> {
  const advice = "give the cloud-config of this node";
  const text = await readSmallText(disk, from, MAX_CLOUD_CONFIG_BYTES, advice);
  const given = readCloudConfig(text, from);
  for (const one of given ?? []) {
    const problem = await problemOf(disk, one);
    if (problem) throw problem;
  }
  const keys = (given ?? []).map(({ name }) => keyOf(name));
  const before = await readConf(disk, conf);
  const ours = before?.startsWith(MARK) ?? false;
  if (!given || (given.length === 0 && !ours)) return { result: "left_alone", file: conf, keys };

  const after = confText(given, from);
  if (before === after) return { result: "unchanged", file: conf, keys };
  const backup = before === undefined || ours ? undefined : `${conf}.bak`;
  try {
    if (backup) await replaceText(disk, backup, before ?? "");
    await replaceText(disk, conf, after);
  } catch (error) {
    throw new UpdateError("slot", {
      operation: `writing ${conf}`,
      found: reasonOf(error),
      advice:
        "see that its directory is there and can be written, or name another file with --conf",
      cause: error,
    });
  }
  return { result: "written", file: conf, keys, backup };
}

/** The same for people. */
export function showApplied({ result, file, keys, backup }: Applied): string {
  switch (result) {
    case "written": {
      const kept = backup ? `; what was there is now ${backup}` : "";
      return `${file} has ${keys.join(", ") || "no settings any more"}${kept}`;
    }
    case "unchanged":
      return `${file} says the same already`;
    case "left_alone":
      return `no settings in an updates: block: ${file} was left alone`;
  }
}

/** The text of the file; whatever is in it, it reads back as these settings and no others. */
function confText(given: readonly Given[], from: string): string {
  const pairs = given.map(({ name, text }) => [keyOf(name), text] as const);
  const lines = pairs.map(([key, value]) => confLine(key, value));
  const text = [`${MARK}${from}; changes here are lost`, ...lines, ""].join("\n");
  if (saysJust(text, pairs)) return text;
  throw new UpdateError("usage", {
    operation: `reading ${from}`,
    found: "a name or a value that does not fit on a line of update.conf",
    advice: "leave out line breaks",
  });
}

async function replaceText(disk: Disk, path: string, text: string): Promise<void> {
  // left from a power cut, it would keep the permissions that it has
  await disk.remove(`${path}.new`);
  await replaceFile(disk, path, new TextEncoder().encode(text));
}
