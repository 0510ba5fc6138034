/**
 * A file of the node that is made of a document, or was written by a person.
 *
 * @module
 */

import { type Disk, oneLine, reasonOf, replaceFile, UpdateError } from "../../core/mod.ts";
import { readSmallText } from "../small_text.ts";

/** How the first line of a file begins that was made here; any other file was written by a person. */
const MARK = "# made by kubesolo-update from ";

/** Most bytes of a file that is to be replaced. */
const MAX_FILE_BYTES = 1 << 20;

/** What became of a file. */
export interface Outcome {
  /** `written`; `unchanged`: it says the same already; `left_alone`: there was nothing to write. */
  readonly result: "written" | "unchanged" | "left_alone";
  readonly file: string;
  /** Where the file that a person had written is now. */
  readonly backup?: string;
}

/** What a file is to be. */
export interface Wanted {
  readonly file: string;
  /** What it is made of, for its first line. */
  readonly from: string;
  /** Its lines below that; undefined where no document speaks of them. */
  readonly lines?: readonly string[];
}

/** What is to be done about a file. */
export interface Plan {
  readonly outcome: Outcome;
  /** Does it. After a power cut there is either the old file or the new one. */
  carryOut(): Promise<void>;
}

/**
 * Looks at the file that is there; changes nothing. A file that a person wrote is replaced only by
 * lines, and is kept beside it as `.bak`; one that was made here follows the document, also where that
 * has no lines now.
 *
 * @throws {UpdateError} `usage` where the name of the document does not fit on a line, or the file
 * cannot be read.
 */
export async function planFile(disk: Disk, { file, from, lines }: Wanted): Promise<Plan> {
  const leave = (result: "unchanged" | "left_alone"): Plan => ({
    outcome: { result, file },
    carryOut: () => Promise.resolve(),
  });
  if (!lines) return leave("left_alone");
  if (oneLine(from) !== from) {
    throw new UpdateError("usage", {
      operation: `reading ${from}`,
      found: "a name that does not fit on a line",
      advice: "leave out line breaks",
    });
  }
  const before = await readBefore(disk, file);
  const ours = before?.startsWith(MARK) ?? false;
  if (lines.length === 0 && !ours) return leave("left_alone");
  const after = [`${MARK}${from}; changes here last until that is replaced`, ...lines, ""].join(
    "\n",
  );
  if (before === after) return leave("unchanged");
  const backup = before === undefined || ours ? undefined : `${file}.bak`;
  return {
    outcome: { result: "written", file, backup },
    carryOut: () => write(disk, file, after, backup, before),
  };
}

async function readBefore(disk: Disk, file: string): Promise<string | undefined> {
  if (await disk.size(file) === undefined) return undefined;
  return await readSmallText(disk, file, MAX_FILE_BYTES, "take it away");
}

async function write(disk: Disk, file: string, text: string, backup?: string, before = "") {
  try {
    if (backup) await replaceText(disk, backup, before);
    await replaceText(disk, file, text);
  } catch (error) {
    throw new UpdateError("slot", {
      operation: `writing ${file}`,
      found: reasonOf(error),
      advice: "see that its directory is there and can be written",
      cause: error,
    });
  }
}

async function replaceText(disk: Disk, path: string, text: string): Promise<void> {
  // left from a power cut, it would keep the permissions that it has
  await disk.remove(`${path}.new`);
  await replaceFile(disk, path, new TextEncoder().encode(text));
}
