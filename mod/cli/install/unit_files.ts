/**
 * What systemd and OpenRC are given: the files of `deploy/`, which are embedded in the executable.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** The inits that are given files. */
export type InitWithFiles = "systemd" | "openrc";

/** One file for an init. */
export interface UnitFile {
  /** Where it goes. */
  readonly path: string;
  /** Its permissions. */
  readonly mode: number;
  /** Its text, sealed; see {@linkcode isOurs}. */
  readonly text: string;
}

/** A service that is started at each boot. */
export interface Service {
  /** As the init calls it. */
  readonly name: string;
  /** Whether it can be started while somebody waits. */
  readonly startsAtOnce: boolean;
}

const DEPLOY = new URL("../../../deploy/", import.meta.url);

/** Where the files in deploy/ say that the executable is. */
const EXECUTABLE = "/usr/bin/kubesolo-update";

/** Where an init's files go, with which permissions, and which of them are services of every node. */
export const HOMES: Readonly<
  Record<InitWithFiles, { directory: string; mode: number; services: readonly Service[] }>
> = {
  systemd: {
    directory: "/etc/systemd/system",
    mode: 0o644,
    services: [
      { name: "kubesolo-update.timer", startsAtOnce: true },
      { name: "kubesolo-update-healthcheck.service", startsAtOnce: true },
      { name: "kubesolo-update-metrics.service", startsAtOnce: true },
    ],
  },
  openrc: {
    directory: "/etc/init.d",
    mode: 0o755,
    services: [
      { name: "kubesolo-update", startsAtOnce: true },
      // it judges this boot, and that takes as long as it takes
      { name: "kubesolo-update-healthcheck", startsAtOnce: false },
      { name: "kubesolo-update-metrics", startsAtOnce: true },
    ],
  },
};

/** The files for `init`, made to run `executable`. */
export async function unitFiles(init: InitWithFiles, executable: string): Promise<UnitFile[]> {
  const { directory, mode } = HOMES[init];
  const source = new URL(`${init}/`, DEPLOY);
  const names = await Array.fromAsync(Deno.readDir(source), ({ name }) => name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const text = await Deno.readTextFile(new URL(name, source));
      const path = `${directory}/${name}`;
      return { path, mode, text: sealed(text.replaceAll(EXECUTABLE, executable)) };
    }),
  );
}

const SEAL = "# installed by kubesolo-update; SHA-256 of what is above: ";

/** With a last line that shows, later on, whether anybody has changed it. */
function sealed(text: string): string {
  return `${text}${SEAL}${digest(text)}\n`;
}

/** Whether a file is as some version of `install` has written it. */
export function isOurs(text: string): boolean {
  const at = text.lastIndexOf(SEAL);
  return at >= 0 && text === sealed(text.slice(0, at));
}

/** Whether somebody has copied the file from deploy/ by hand, and changed nothing. */
export function isCopied(found: string, { text }: UnitFile, executable: string): boolean {
  const own = text.slice(0, text.lastIndexOf(SEAL));
  return found === own || found === own.replaceAll(executable, EXECUTABLE);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
