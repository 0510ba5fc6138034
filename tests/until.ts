/** Far more than anything takes on a machine that is slow, and busy: only what hangs is given up. */
const LIMIT_SECONDS = 120;

const POLL_MILLISECONDS = 20;

/**
 * Resolves when `holds` does; what it throws meanwhile counts as no.
 *
 * @throws {Error} where it is waited for in vain; its cause is what `holds` threw last.
 */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 1000 * LIMIT_SECONDS;
  let cause: unknown;
  while (true) {
    try {
      if (await holds()) return;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`waited in vain for ${holds}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}
