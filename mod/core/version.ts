/**
 * Versions: semantic (`1.2.0-rc1`) and calendar (`2026.01.15`) ones, compared by the semver library
 * in its loose reading, which takes leading zeros.
 *
 * @module
 */

import semver from "semver";
import { MAX_VERSION_LENGTH } from "./release.ts";

// the library trims what surrounds a version; a version with a line feed would end up in files
const PLAIN = /^[0-9A-Za-z.+-]+$/;

/** Whether `text` is a version that can be compared. */
export function isVersion(text: string): boolean {
  return text.length <= MAX_VERSION_LENGTH && PLAIN.test(text) &&
    semver.valid(text, { loose: true }) !== null;
}

/** Negative where `a` is older than `b`, 0 where they are the same, positive where it is newer. */
export function compareVersions(a: string, b: string): number {
  return semver.compare(a, b, { loose: true });
}
