/**
 * The disk that is to be written over, as a person sees it.
 *
 * @module
 */

import { UpdateError } from "../../mod/core/mod.ts";
import { sizeForPeople, type SurveyedDisk } from "../../mod/provision/mod.ts";
import { columns } from "../../mod/cli/columns.ts";

/** Most bytes of an answer that are looked at. */
const MAX_ANSWER_BYTES = 64;

/** `SanDisk Ultra, 28.7 GiB, serial number 4C5310`. */
function describeDisk({ model, size, serial }: SurveyedDisk): string {
  const parts = [model ?? "a disk without a model name", sizeForPeople(size)];
  return [...parts, ...serial ? [`serial number ${serial}`] : []].join(", ");
}

/** What programs are told of a disk. */
export function shownDisk({ path: _path, ...disk }: SurveyedDisk): Omit<SurveyedDisk, "path"> {
  return disk;
}

/** All disks, each with why it cannot be written over. */
export function listDisks(disks: readonly SurveyedDisk[]): string {
  if (disks.length === 0) return "no disks here: plug in a stick";
  const rows = disks.map(({ device, model, size, serial, refusals }) => [
    device,
    model ?? "-",
    sizeForPeople(size),
    serial ?? "-",
    refusals.length === 0
      ? "can be written"
      : `no: ${refusals.map(({ found }) => found).join("; ")}`,
  ]);
  return columns([["device", "model", "size", "serial number", ""], ...rows]).join("\n");
}

/**
 * Returns where nothing speaks against the disk.
 *
 * @throws {UpdateError} `refused` with all that does, and what to do.
 */
export function mustBeFree(disk: SurveyedDisk): void {
  const { refusals } = disk;
  if (refusals.length === 0) return;
  throw new UpdateError("refused", {
    operation: `looking at ${disk.device} (${describeDisk(disk)})`,
    found: refusals.map(({ found }) => found).join(", and "),
    advice: refusals.map(({ advice }) => advice).join("; "),
  });
}

/**
 * Resolves where whoever sits at the terminal agrees to lose what is on the disk.
 *
 * @throws {UpdateError} `refused` where they do not, or break off; `usage` where nobody is there.
 */
export async function askToErase(disk: SurveyedDisk, signal: AbortSignal): Promise<void> {
  const operation = `asking whether to write over ${disk.device}`;
  if (!Deno.stdin.isTerminal()) {
    throw new UpdateError("usage", {
      operation,
      found: "no terminal",
      advice: "add --yes where that is meant",
    });
  }
  const question = `Everything on ${disk.device} (${describeDisk(disk)}) will be lost.\n` +
    "Type yes to write over it: ";
  Deno.stderr.writeSync(new TextEncoder().encode(question));
  const answer = new Uint8Array(MAX_ANSWER_BYTES);
  // a read that waits keeps no signal from being heard, as readSync would
  const length = await Promise.race([Deno.stdin.read(answer), aborted(signal)]) ?? 0;
  const isYes = new TextDecoder().decode(answer.subarray(0, length)).trim() === "yes";
  if (isYes && !signal.aborted) return;
  throw new UpdateError("refused", {
    operation,
    found: "another answer than yes",
    advice: "nothing was written",
  });
}

/** No bytes, once it is aborted. */
function aborted(signal: AbortSignal): Promise<number> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(0)));
}
