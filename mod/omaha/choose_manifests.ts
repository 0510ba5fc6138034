/**
 * Which versions a client is offered, and in which order.
 *
 * @module
 */

import semver from "semver";
import type { OmahaAppRequest } from "./request.ts";
import type { OmahaManifest } from "./response_types.ts";

/**
 * Whether a version is semantic to the letter: three numbers, no `v`, no leading zeros. Clients that
 * are to be updated must have such a one.
 */
export function isStrictVersion(version: string): boolean {
  return /^\d/.test(version) && semver.parse(version)?.raw === version;
}

/**
 * Of a target and the floors that lead to it, what `app` takes from where it is: nothing where it runs
 * the target or what is newer; all that is newer in ascending order where it understands several; else
 * the next one.
 *
 * @throws {RangeError} where a version is not {@linkcode isStrictVersion}.
 */
export function chooseManifests(
  { version = "", multi_manifest_ok: several }: OmahaAppRequest,
  target: OmahaManifest,
  floors: readonly OmahaManifest[] = [],
): readonly OmahaManifest[] {
  const isNewer = (one: OmahaManifest, than: string) =>
    semver.gt(strict(one.version), strict(than));
  if (!isNewer(target, version)) return [];
  const steps = floors
    .filter((floor) => isNewer(floor, version) && isNewer(target, strict(floor.version)))
    .sort((a, b) => semver.compare(strict(a.version), strict(b.version)))
    .map((floor) => ({ ...floor, is_floor: true }));
  if (steps.length === 0) return [target];
  return several ? [...steps, { ...target, is_target: true }] : [steps[0]];
}

function strict(version = ""): string {
  if (isStrictVersion(version)) return version;
  throw new RangeError(`"${version}" is no semantic version`);
}
