/**
 * The disk that is to be written over, as a person sees it.
 *
 * @module
 */

import { UpdateError } from "../../mod/core/mod.ts";
import { sizeForPeople, type SurveyedDisk } from "../../mod/provision/mod.ts";
import { columns } from "../../mod/cli/columns.ts";

/** `SanDisk Ultra, 28.7 GiB, serial number 4C5310`. */
export function describeDisk({ model, size, serial }: SurveyedDisk): string {
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
 * Returns where whoever sits at the terminal agrees to lose what is on the disk.
 *
 * @throws {UpdateError} `refused` where they do not; `usage` where nobody is there.
 */
export function askToErase(disk: SurveyedDisk): void {
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
  const answer = new Uint8Array(64);
  const length = Deno.stdin.readSync(answer) ?? 0;
  if (new TextDecoder().decode(answer.subarray(0, length)).trim() === "yes") return;
  throw new UpdateError("refused", {
    operation,
    found: "another answer than yes",
    advice: "nothing was written",
  });
}
