/**
 * Settings: a flag beats `/etc/kubesolo/update.conf`, which beats the default.
 *
 * @module
 */

import { type Disk, parseWindow, readSmall, reasonOf, UpdateError } from "../core/mod.ts";

/** Where the file is. */
export const DEFAULT_CONF = "/etc/kubesolo/update.conf";

/** Where the state is. */
export const DEFAULT_STATE = "/var/lib/kubesolo/update/state.json";

/** Most bytes of update.conf that are read. */
export const MAX_CONF_BYTES = 64 << 10;

/** What an operator can set. */
export interface Settings {
  /** An HTTP URL, or a repository of a registry: `host/repository`. */
  readonly server?: string;
  /** Of a release in a registry. */
  readonly tag?: string;
  readonly channel: string;
  readonly window?: string;
  readonly healthcheckUrl?: string;
}

/** The same, as flags give it. */
export interface SettingFlags {
  readonly conf?: string;
  readonly server?: string;
  readonly registry?: string;
  readonly tag?: string;
  readonly channel?: string;
  readonly maintenanceWindow?: string;
  readonly healthcheckUrl?: string;
}

/**
 * The `key=value` lines of update.conf. `#` starts a comment line; unknown keys are kept and ignored by
 * who reads them; the last of several wins.
 */
export function parseConf(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const match = /^\s*([A-Za-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (match) values.set(match[1], match[2].replace(/^(["'])(.*)\1$/, "$2"));
  }
  return values;
}

/**
 * The settings in force.
 *
 * @throws {UpdateError} `usage` where a value is no good, or the file cannot be read; a file that is not
 * there is fine, unless it was asked for.
 */
export async function readSettings(disk: Disk, flags: SettingFlags): Promise<Settings> {
  const conf = parseConf(await confText(disk, flags.conf));
  const window = flags.maintenanceWindow ?? conf.get("maintenance_window");
  if (window) parseWindow(window);
  return {
    server: flags.server ?? flags.registry ?? (conf.get("server") || undefined),
    tag: flags.tag ?? (conf.get("tag") || undefined),
    channel: flags.channel ?? (conf.get("channel") || "stable"),
    window: window || undefined,
    healthcheckUrl: flags.healthcheckUrl ?? (conf.get("healthcheck_url") || undefined),
  };
}

async function confText(disk: Disk, asked?: string): Promise<string> {
  const path = asked ?? DEFAULT_CONF;
  let found: string;
  try {
    const bytes = await readSmall(disk, path, MAX_CONF_BYTES);
    if (bytes) return new TextDecoder().decode(bytes);
    found = `more than ${MAX_CONF_BYTES} bytes`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !asked) return "";
    found = reasonOf(error);
  }
  throw new UpdateError("usage", {
    operation: `reading ${path}`,
    found,
    advice: "write key=value lines there, or name another file with --conf",
  });
}
