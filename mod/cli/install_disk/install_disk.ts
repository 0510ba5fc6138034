/**
 * `install-disk`: the stick that the machine was started from, onto a disk of the machine.
 *
 * @module
 */

import {
  type Disk,
  LABELS,
  type Mounts,
  readSmall,
  reasonOf,
  UpdateError,
} from "../../core/mod.ts";
import {
  DiskMedium,
  type Extent,
  FileSystemTools,
  growData,
  surveyDisks,
  writeDisk,
  type WriteStep,
} from "../../provision/mod.ts";
import { carriedFiles } from "./carried_files.ts";
import { type Asked, chooseTarget, chosenAgain, describe } from "./choose_target.ts";
import { makeDataFileSystem } from "./data_file_system.ts";
import { findStick, stickImage } from "./stick.ts";

/** Most bytes of the kernel's line. */
const MAX_LINE_BYTES = 4096;

/** What installing works with. */
export interface InstallPlace {
  readonly disk: Disk;
  readonly mounts: Mounts;
  /** Shows the machine's `dev`, `proc` and `sys`. */
  readonly view: string;
  readonly person: Asked;
}

/** What was installed. */
export interface Installed {
  /** The disk that has it now. */
  readonly device: string;
  /** The disk that it was started from. */
  readonly from: string;
  /** What was carried over, as paths on the data partition. */
  readonly files: readonly string[];
}

/**
 * Resolves when a disk of the machine that a person has chosen is a whole node's disk: ESP and slots as on
 * the stick, read back and the same, a fresh data partition as large as the disk lets it be with the
 * stick's documents, and identifiers of its own. Until its very end the disk starts nothing.
 *
 * @throws {UpdateError} `usage` where the machine was not started to be installed, `refused` where nobody
 * wants it, `slot` and `verification` as `writeDisk` does.
 */
export async function installDisk(
  { disk, mounts, view, person }: InstallPlace,
): Promise<Installed> {
  const guid = await startedFrom(disk, view);
  const tools = await FileSystemTools.find();
  const stick = await findStick(disk, await surveyDisks({ view }), guid);
  return await mounts.using(stick.data, "read", async (data) => {
    const { files, bytes } = await carriedFiles(data);
    const source = await disk.open(stick.disk.path, "read");
    try {
      const { image, copy, leastBytes } = stickImage(stick, source, bytes);
      const disks = await surveyDisks({ view, needed: leastBytes });
      const itself = disks.find(({ device }) => device === stick.disk.device) ?? stick.disk;
      const chosen = await chooseTarget(disks, itself, person);
      if (!chosen) throw stopped();
      // it may have been mounted, or changed for another, while the question stood there
      const target = chosenAgain(chosen, await surveyDisks({ view, needed: leastBytes }));
      const { device, path } = target;
      const place = { disk, path, name: device, alone: true };
      using medium = await DiskMedium.open(place).catch((cause) => {
        throw new UpdateError("slot", {
          operation: `opening ${device}`,
          found: reasonOf(cause),
          advice: "see that nothing uses it",
          cause,
        });
      });
      await tools.mustBeUnused(path, device);
      const fill = async (data: Extent) => {
        await makeDataFileSystem(path, data, LABELS.data);
        await growData({ tools, disk, path, data, before: data.size, files, direct: true });
      };
      const progress = teller(person);
      await writeDisk({ image, medium, copy, progress, fill });
      person.say(`${describe(target)} has everything, read back and the same.`);
      return { device, from: stick.disk.device, files: files.map(({ path }) => path) };
    } finally {
      source.close();
    }
  });
}

/** The partition that GRUB came from, where it started this machine to be installed. */
async function startedFrom(disk: Disk, view: string): Promise<string> {
  const bytes = await readSmall(disk, `${view}/proc/cmdline`, MAX_LINE_BYTES);
  const words = new TextDecoder().decode(bytes ?? new Uint8Array()).trim().split(/\s+/);
  const guid = words.find((word) => word.startsWith("ksolo.disk="))?.slice("ksolo.disk=".length);
  if (words.includes("ksolo.install") && guid) return guid.toLowerCase();
  throw new UpdateError("usage", {
    operation: "installing onto a disk",
    found: "a machine that was not started for that",
    advice: "start it from a provisioned stick, and choose in GRUB's menu to install",
  });
}

const WORDS: Readonly<Record<WriteStep, string>> = {
  test: "testing that the disk holds what it says",
  write: "copying the system",
  verify: "reading it back",
  fill: "making the data partition",
  finish: "writing the partition table",
};

/** A line for each step, and for each tenth of it. */
function teller({ say }: Asked) {
  let last = "";
  return (step: WriteStep, done: number, total: number) => {
    const tenths = total === 0 ? "" : ` ${Math.floor(done / total * 10) * 10} %`;
    const line = `${WORDS[step]} …${tenths}`;
    if (line !== last) say(line);
    last = line;
  };
}

function stopped(): UpdateError {
  return new UpdateError("refused", {
    operation: "installing onto a disk",
    found: "no name of one",
    advice: "nothing was written",
  });
}
