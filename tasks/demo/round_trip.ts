/**
 * The round trip: a node takes version 2, confirms it, takes a broken version 3, fails three boots, and
 * comes back by itself.
 *
 * @module
 */

import { compileAgent } from "../compile.ts";
import type { KnownProgram, Needed } from "../debian.ts";
import type { Architecture } from "../elf.ts";
import { grubPackages, imageNeeds } from "../image.ts";
import { initramfsNeeds } from "../initramfs.ts";
import { machineNeeds } from "../machines.ts";
import { nodePackages, Sysroot } from "../sysroot.ts";
import type { SerialLine, Vm, VmOptions } from "../vm.ts";
import { type Course, problemsOf, THERE, THERE_AND_BACK } from "./course.ts";
import { Narrator } from "./narrator.ts";
import {
  makeNodeDisk,
  makeReleases,
  METRICS_PORT,
  serveReleases,
  updateLoop,
  type UpdateServer,
} from "./site.ts";
import { type Scraped, Scraper } from "./scraper.ts";
import { switchOn } from "./switch_on.ts";
import { type BootRecord, type PhaseRecord, Story } from "./story.ts";

/** Megabytes that a node needs to unpack an initramfs with the agent in it. */
export const NODE_MEMORY = 1024;

/** Seconds for one life between power-on and reset: ten times what an emulated machine needs. */
const BOOT_LIMIT_SECONDS = { x86_64: 600, aarch64: 1200 };

/** Boots after which a node that is not done goes round in circles. */
const MAX_BOOTS = 12;

/** What happened, for machines. */
export interface Report {
  readonly architecture: Architecture;
  readonly firmware: "bios" | "uefi";
  /** Whether it went as it should: its {@linkcode Course}. */
  readonly passed: boolean;
  /** What did not. */
  readonly problems: readonly string[];
  readonly seconds: { readonly building: number; readonly running: number };
  readonly boots: readonly BootRecord[];
  readonly phases: readonly PhaseRecord[];
  /** What the node's metrics said, asked over the network while it lived. */
  readonly scraped: Scraped;
  /** `kubesolo-update status --json` of the node, before it switched itself off. */
  readonly end: unknown;
}

/** What the round trip needs of Debian. */
export function demoNeeds(
  uefi: boolean,
  architecture: Architecture = "x86_64",
): readonly (KnownProgram | Needed)[] {
  return [
    ...machineNeeds(architecture, uefi),
    ...imageNeeds(architecture),
    ...initramfsNeeds(architecture),
  ];
}

/** What a round trip may do differently. */
export interface RoundTripOptions {
  /** The node's; x86_64 where absent. */
  readonly architecture?: Architecture;
  /** UEFI firmware, which is all that aarch64 has; otherwise BIOS. */
  readonly uefi?: boolean;
  /** {@linkcode THERE_AND_BACK} where absent. */
  readonly course?: Course;
  /** Where it is told; standard error where absent. */
  readonly write?: (text: string) => void;
  /** Serves the releases below a directory; over HTTP where absent. */
  readonly serve?: (directory: string) => Promise<UpdateServer>;
}

/** Lets it happen, and tells it while it does. */
export async function roundTrip(
  {
    architecture = "x86_64",
    uefi: asked = false,
    course = THERE_AND_BACK,
    write,
    serve = serveReleases,
  }: RoundTripOptions = {},
): Promise<Report> {
  const uefi = asked || architecture === "aarch64";
  const story = new Story({ A: "1.0.0", B: "1.0.0" });
  const narrator = new Narrator(story, write);
  const directory = await Deno.makeTempDir({ prefix: "kubesolo-demo-" });
  try {
    const began = performance.now();
    narrator.title("Building a node and three releases");
    narrator.note("compiling the agent");
    const agent = await compileAgent(architecture);
    await using sysroot = await Sysroot.open(architecture, [
      ...nodePackages(architecture),
      ...grubPackages(architecture),
    ]);
    const releases = `${directory}/releases`;
    narrator.note("packing versions 1.0.0, 2.0.0, and a 3.0.0 whose service never answers");
    await makeReleases(releases, agent, [
      { version: "1.0.0" },
      { version: "2.0.0" },
      { version: "3.0.0", broken: true },
    ], sysroot);
    await using server = await serve(releases);
    narrator.note("building the disk: ESP, slots A and B, data");
    const disk = `${directory}/node.img`;
    await makeNodeDisk({
      output: disk,
      releases,
      version: "1.0.0",
      server,
      sysroot,
      onBoot: updateLoop(server, course === THERE ? "2.0.0" : undefined),
    });
    await server.publish("2.0.0", true);
    const building = secondsSince(began);
    narrator.note(
      `done in ${building} s; the update server has 2.0.0, changed after it was signed`,
    );
    narrator.picture();
    narrator.title(`Switching the node on (QEMU, ${architecture}, ${uefi ? "UEFI" : "BIOS"})`);

    const running = performance.now();
    await using scraper = new Scraper();
    const machine = { disk, architecture, uefi };
    await run(machine, story, narrator, scraper.port, {
      async tampered() {
        narrator.note("the node refuses it; the update server publishes 2.0.0 as it was signed");
        await server.publish("2.0.0");
      },
      async good() {
        if (course === THERE) return;
        narrator.note("the update server publishes 3.0.0");
        await server.publish("3.0.0");
      },
    });
    const problems = problemsOf(story, course);
    return {
      architecture,
      firmware: uefi ? "uefi" : "bios",
      passed: problems.length === 0,
      problems,
      seconds: { building, running: secondsSince(running) },
      boots: story.boots,
      phases: story.phases,
      scraped: scraper.found,
      end: story.status,
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/**
 * Runs the node until it switches itself off. Every boot is a QEMU of its own: a kernel that starts
 * after a reset within one is emulated several times slower.
 */
async function run(
  machine: Pick<Required<VmOptions>, "disk" | "architecture" | "uefi">,
  story: Story,
  narrator: Narrator,
  metricsPort: number,
  after: { tampered(): Promise<void>; good(): Promise<void> },
): Promise<void> {
  let refused: Promise<void> | undefined;
  let published: Promise<void> | undefined;
  const onLine = (line: SerialLine) => {
    const scene = story.read(line);
    if (scene) narrator.tell(scene);
    if (/: checking the signature of /.test(line.text)) refused ??= after.tampered();
    const confirmed = scene?.kind === "health" && scene.boot.version === "2.0.0";
    if (confirmed && scene.boot.healthy && !published) {
      published = after.good();
    }
  };
  const forward = { host: metricsPort, guest: METRICS_PORT };
  const options = {
    ...machine,
    memory: NODE_MEMORY,
    network: true,
    forward,
    noReboot: true,
    onLine,
  };
  try {
    for (let boots = 0; boots < MAX_BOOTS; boots++) {
      await using vm = await switchOn(options, (text) => narrator.note(text));
      const reason = await within(BOOT_LIMIT_SECONDS[machine.architecture], vm);
      if (reason === "shutdown") return;
      story.reset();
    }
    throw new Error(`the node was not done after ${MAX_BOOTS} boots`);
  } finally {
    await Promise.all([refused, published]);
  }
}

/** How the machine ended, by itself; its last lines in an error where it did not. */
async function within(seconds: number, vm: Vm): Promise<"shutdown" | "reset"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => timer = setTimeout(resolve, seconds * 1000));
  const exit = await Promise.race([vm.exited, late]);
  clearTimeout(timer);
  if (exit?.reason === "shutdown" || exit?.reason === "reset") return exit.reason;
  const ended = exit
    ? `ended by ${exit.reason} ${exit.message}`
    : `still ran after ${seconds} seconds`;
  const last = vm.lines.slice(-20).map(({ text }) => text).join("\n");
  throw new Error(`the node ${ended}; its last lines:\n${last}`);
}

function secondsSince(start: number): number {
  return Math.round((performance.now() - start) / 100) / 10;
}
