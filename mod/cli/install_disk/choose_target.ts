/**
 * Which disk to install onto: asked of whoever sits at the console.
 *
 * @module
 */

import { oneLine, shortened, UpdateError } from "../../core/mod.ts";
import { type DiskRefusal, sizeForPeople, type SurveyedDisk } from "../../provision/mod.ts";
import { columns } from "../columns.ts";

/** A person at a terminal. */
export interface Asked {
  /** Shows lines. */
  say(text: string): void;
  /** A line that is typed, without the spaces around it; undefined where nothing will come any more. */
  ask(question: string): Promise<string | undefined>;
}

/**
 * The disk that was named twice, on which nothing speaks against it; undefined where nobody wants one.
 * Whatever else is typed is answered, and asked again.
 */
export async function chooseTarget(
  disks: readonly SurveyedDisk[],
  stick: SurveyedDisk,
  { say, ask }: Asked,
): Promise<SurveyedDisk | undefined> {
  const rows = disks.map((disk) => [
    nameOf(disk),
    sizeForPeople(disk.size),
    disk.model ?? "-",
    disk.serial ?? "-",
    against(disk, stick).map(({ found }) => found).join("; ") || "can be installed onto",
  ]);
  say(["", ...columns([["disk", "size", "model", "serial number", ""], ...rows]), ""].join("\n"));
  while (true) {
    const typed = await ask("Name of the disk to install onto, or nothing to stop: ");
    if (!typed) return undefined;
    const disk = disks.find((disk) => [nameOf(disk), disk.device].includes(typed));
    if (!disk) {
      say(`"${shortened(oneLine(typed), 40)}" is none of them: nothing was written.`);
      continue;
    }
    const refusals = against(disk, stick);
    if (refusals.length > 0) {
      const why = refusals.map(({ found, advice }) => `${found}; ${advice}`).join(", and ");
      say(`${nameOf(disk)}: ${why}. Nothing was written.`);
      continue;
    }
    say(`Everything on ${describe(disk)} will be lost.`);
    const again = await ask(`Type ${nameOf(disk)} once more to begin: `);
    if (again === nameOf(disk)) return disk;
    say("That is another name: nothing was written.");
  }
}

/**
 * The chosen disk among those that are here now.
 *
 * @throws {UpdateError} `refused` where it is another one, or something speaks against it by now.
 */
export function chosenAgain(chosen: SurveyedDisk, disks: readonly SurveyedDisk[]): SurveyedDisk {
  const problem = (found: string, advice: string) =>
    new UpdateError("refused", { operation: `looking at ${chosen.device} again`, found, advice });
  const disk = disks.find(({ device }) => device === chosen.device);
  if (!disk || describe(disk) !== describe(chosen) || disk.size !== chosen.size) {
    throw problem(disk ? "another disk than before" : "no disk any more", "choose again");
  }
  const refusals = refusalsOf(disk);
  if (refusals.length === 0) return disk;
  throw problem(
    refusals.map(({ found }) => found).join(", and "),
    refusals.map(({ advice }) => advice).join("; "),
  );
}

/** `vdb, 512 MiB, QEMU HARDDISK, serial number 12`. */
export function describe(disk: SurveyedDisk): string {
  const { model, size, serial } = disk;
  return [
    nameOf(disk),
    sizeForPeople(size),
    ...model ? [model] : [],
    ...serial ? [`serial number ${serial}`] : [],
  ].join(", ");
}

function nameOf({ device }: SurveyedDisk): string {
  return device.slice("/dev/".length);
}

function against(disk: SurveyedDisk, stick: SurveyedDisk): readonly Omit<DiskRefusal, "reason">[] {
  if (disk === stick) {
    const found = "this machine was started from it";
    return [{ found, advice: "name the disk that it is to be installed onto" }];
  }
  return refusalsOf(disk);
}

/** A disk that is built in is what is wanted here; naming it twice stands for its serial number. */
function refusalsOf({ refusals }: SurveyedDisk): readonly DiskRefusal[] {
  return refusals.filter(({ reason }) => reason !== "fixed");
}
