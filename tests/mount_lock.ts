/**
 * Mount namespaces and the mounts of tests that run next to each other.
 *
 * @module
 */

import { withLock } from "../tasks/lock.ts";

const LOCK = "/tmp/kubesolo-update-tests/mounts.lock";

/**
 * Runs `body` while no other test makes a mount namespace or unmounts a disk. A new namespace copies all
 * mounts that there are; a disk whose mount lives on in such a copy is busy, whatever its own test
 * unmounts. So who makes a namespace holds this until the copies are gone.
 */
export function withMountLock<T>(body: () => Promise<T>): Promise<T> {
  return withLock(LOCK, body);
}
