/**
 * What the agent keeps: where, whether it can be read, and whether it gets on.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { format } from "@std/fmt/bytes";
import { parseMountTable, type Phase, readSmall, reasonOf } from "../../core/mod.ts";
import { HOST_VIEW, MAX_MOUNTINFO_BYTES } from "../../host/mod.ts";
import { MOUNT_DIRECTORY } from "../node_parts.ts";
import { SCOPE } from "../scope.ts";
import { type Check, type Finding, needed, ok, problem, together, warning } from "./check.ts";
import type { Sight } from "./sight.ts";

/** Free bytes below which a data partition is soon full, and below which it is. */
const SCARCE_BYTES = 8 << 20;
const FULL_BYTES = 1 << 20;

/** File systems that are gone with the power. */
const FLEETING = ["tmpfs", "ramfs", "rootfs", "overlay"];

/** Phases that lead somewhere, and the hours after which they should have. */
const STUCK_AFTER_HOURS: Readonly<Partial<Record<Phase, number>>> = {
  checking: 1,
  downloading: 24,
  verifying: 1,
  activated: 7 * 24,
};

/** Checks of the data partition and of what is on it. */
export function stateChecks(sight: Sight): readonly Check[] {
  return [
    { name: "data partition", look: () => judgeData(sight) },
    { name: "state", look: () => judgeState(sight) },
    { name: "leftovers", look: () => judgeLeftovers(sight) },
  ];
}

async function judgeData({ parts: { disk }, directory, partitions }: Sight): Promise<Finding> {
  await needed(partitions(), "what is mounted");
  const real = await existing(directory);
  if (real === undefined) {
    return warning(
      `there is nothing at ${directory}`,
      "mount the partition KSOLODATA there, before the agent is started",
    );
  }
  const bytes = await readSmall(disk, `${HOST_VIEW}/proc/self/mountinfo`, MAX_MOUNTINFO_BYTES);
  const mount = parseMountTable(new TextDecoder().decode(bytes ?? new Uint8Array()))
    .filter(({ directory: at }) => at === "/" || real === at || real.startsWith(`${at}/`))
    .reduce((deepest, one) => one.directory.length >= deepest.directory.length ? one : deepest);
  const where = `${directory} is on ${mount.source} (${mount.fileSystem})`;
  if (FLEETING.includes(mount.fileSystem)) {
    return problem(
      `${where}: it is gone after a reboot`,
      "mount the partition KSOLODATA there, before the agent is started",
    );
  }
  if (!mount.writable) {
    return problem(`${where}, mounted read-only`, "look into the kernel's log, then fsck(8) it");
  }
  const free = await disk.free(real);
  const found = `${where}, with ${format(free, { binary: true })} free`;
  if (free < FULL_BYTES) return problem(found, "make room: no update can be written down");
  return free < SCARCE_BYTES ? warning(found, "make room before it is full") : ok(found);
}

/** Where a directory is, or will be made; undefined: nothing of the agent's places is there. */
async function existing(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // above them it may not look
    return SCOPE.write.includes(path) ? undefined : await existing(dirname(path));
  }
}

async function judgeState(sight: Sight): Promise<Finding> {
  const { flags: { state: path }, parts: { disk }, holder } = sight;
  const state = await sight.state().catch((error: unknown) => error as Error);
  if (state instanceof Error) {
    return problem(
      `${path}: ${reasonOf(state)}`,
      "the next command sets it aside and starts anew; what failed before may then be tried again",
    );
  }
  const findings: Finding[] = [];
  const names = await disk.list(sight.directory).catch(() => []);
  const garbled = names.filter((name) => name.startsWith(`${basename(path)}.garbled-`));
  if (garbled.length > 0) {
    findings.push(warning(
      `it was garbled before: ${garbled.join(", ")}`,
      "see whether the disk is failing, then remove them",
    ));
  }
  const { phase, updated_at, last_error, to_version = "" } = await sight.settled();
  const working = await holder().catch(() => undefined);
  const hours = updated_at ? (Date.now() - Date.parse(updated_at)) / 3_600_000 : 0;
  const limit = STUCK_AFTER_HOURS[phase];
  if (limit !== undefined && hours > limit && !working) {
    findings.push(warning(
      `phase ${phase} ${to_version} since ${updated_at}`,
      phase === "activated"
        ? "reboot into it"
        : "run the command again that was cut off; it goes on where it was",
    ));
  }
  if (last_error) {
    const advice =
      "see `kubesolo-update status`; the ledger keeps what failed from being tried again";
    findings.push(warning(`phase ${phase}: ${last_error}`, advice));
  }
  const now = working ? `; ${working}` : "";
  return together(findings, `phase ${phase}${to_version ? ` ${to_version}` : ""}${now}`);
}

/** What an agent that was killed has left; the next one clears it away by itself. */
async function judgeLeftovers({ parts: { disk }, directory, flags }: Sight): Promise<Finding> {
  const own = ["health-check.tmp", `${basename(flags.state)}.new`, "trust.json.new"];
  const names = await disk.list(directory).catch(() => []);
  const left = names.filter((name) => own.includes(name)).map((name) => `${directory}/${name}`);
  for (const name of await disk.list(MOUNT_DIRECTORY).catch(() => [])) {
    const maker = `${HOST_VIEW}/proc/${name.split("-")[0]}`;
    if (!await Deno.stat(maker).catch(() => undefined)) left.push(`${MOUNT_DIRECTORY}/${name}`);
  }
  if (left.length === 0) return ok("none");
  return warning(
    `left by an agent that was cut off: ${left.join(", ")}`,
    "nothing: the next command that needs the place clears it",
  );
}
