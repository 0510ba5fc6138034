/**
 * The machine: who runs the agent, with what, and what time it is.
 *
 * @module
 */

import { type Floor, knownTime, NEW_STATE, type UpdateState } from "../../core/mod.ts";
import { hasTool, isClockSynchronized, readHardwareClock, type ToolName } from "../../host/mod.ts";
import { BUILT_AT } from "../scope.ts";
import { type Check, type Finding, ok, problem, together, warning } from "./check.ts";
import type { Sight } from "./sight.ts";

/** Programs that the agent runs, and what comes of it where one is missing. */
const NEEDED: readonly { readonly name: ToolName; readonly without: Finding }[] = [
  {
    name: "mount",
    without: problem("no mount", "install util-linux or BusyBox: nothing can be updated without"),
  },
  {
    name: "umount",
    without: problem("no umount", "install util-linux or BusyBox: nothing can be updated without"),
  },
  {
    name: "grub-editenv",
    without: ok("no grub-editenv: the agent writes grubenv by itself"),
  },
  {
    name: "setsid",
    without: warning("no setsid", "install util-linux or BusyBox: health scripts cannot be run"),
  },
  {
    name: "reboot",
    without: warning(
      "no reboot",
      "reboot by hand after an update; in a pod that is as it should be",
    ),
  },
];

/** A hardware clock may keep local time: so much off is nothing. */
const CLOCK_SLACK_HOURS = 26;

/** Checks of the machine. */
export function machineChecks(sight: Sight): readonly Check[] {
  return [
    {
      name: "permissions",
      look: async () =>
        await sight.root()
          ? ok("root, and the view of /dev, /proc and /sys is there")
          : problem("somebody else than root runs it", "run it as root"),
    },
    { name: "tools", look: judgeTools },
    { name: "clock", look: () => judgeClock(sight) },
  ];
}

async function judgeTools(): Promise<Finding> {
  const there = await Promise.all(NEEDED.map(({ name }) => hasTool(name)));
  const missing = NEEDED.filter((_, index) => !there[index]).map(({ without }) => without);
  const words = NEEDED.map(({ name, without }, index) => there[index] ? name : without.found);
  return together(missing, words.join(", "));
}

async function judgeClock({ parts: { disk }, state }: Sight): Promise<Finding> {
  const known: UpdateState = await state().catch(() => NEW_STATE);
  const clock = new Date();
  const floor: Floor | undefined = known.floor;
  const { at, found } = knownTime({ clock, builtAt: BUILT_AT, floor, state: known });
  if (at > clock) {
    return problem(
      `it is at least ${found}`,
      "set the clock (NTP, or `date`): servers with TLS are refused until then; where it is right, " +
        "`apply --offline-time` takes back what it has shown",
    );
  }
  const hardware = await readHardwareClock(disk).catch(() => undefined);
  const hours = hardware ? Math.abs(hardware.getTime() - clock.getTime()) / 3_600_000 : 0;
  if (hardware && hours > CLOCK_SLACK_HOURS) {
    return warning(
      `${clock.toISOString()}, but the hardware clock shows ${hardware.toISOString()}`,
      "set it, so that the time is right from the next boot on: `hwclock --systohc`",
    );
  }
  if (await isClockSynchronized() === false) {
    return warning(
      `${clock.toISOString()}, but no time server has answered yet`,
      "see `timedatectl timesync-status`, and that the node reaches the server",
    );
  }
  return ok(`${clock.toISOString()}; nothing speaks against it`);
}
