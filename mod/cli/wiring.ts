/**
 * A command at its work: alone on the node, or beside another one.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { dirname } from "@std/path";
import { type Reporter, UpdateError } from "../core/mod.ts";
import { UpdateLock } from "../host/mod.ts";
import { type Context, openContext } from "./context.ts";
import { checkPlaces, type PlaceFlags } from "./node_parts.ts";

/** Seconds that other commands wait for another one's lock: enough for a `status`, not for an `apply`. */
const LOCK_PATIENCE_SECONDS = 5;

/**
 * Seconds that `healthcheck` waits: longer than `doctor` reads a slot. A slot on trial has one health check
 * for each boot, and what somebody looks at meanwhile must not cost it.
 */
const HEALTHCHECK_PATIENCE_SECONDS = 120;

const LOCK_POLL_MILLISECONDS = 100;

/** Runs `body` while no other agent works on this node. */
export async function locked(
  command: string,
  flags: PlaceFlags,
  reporter: Reporter,
  body: (context: Context) => Promise<void>,
): Promise<void> {
  const places = await checkPlaces(flags);
  const patience = command === "healthcheck" ? HEALTHCHECK_PATIENCE_SECONDS : LOCK_PATIENCE_SECONDS;
  using _lock = await acquire(command, dirname(places.state), patience);
  await using held = new AsyncDisposableStack();
  const context = await openContext(command, flags, places, reporter, held);
  try {
    await body(context);
  } catch (error) {
    await context.end(error);
    throw error;
  }
  await context.end();
}

/** Runs `body` also where the lock cannot be had; `holder` says which agent works, if one does. */
export async function peek(
  command: string,
  flags: PlaceFlags,
  reporter: Reporter,
  body: (context: Context, holder?: string) => Promise<void>,
): Promise<void> {
  const places = await checkPlaces(flags);
  let lock: Disposable | undefined;
  let holder: string | undefined;
  try {
    lock = await acquire(command, dirname(places.state), 1);
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    // a node whose data partition is read-only is the one that people want to look at
    if (error.code === "refused") holder = error.found;
    else reporter.report({ kind: "warning", message: error.message });
  }
  try {
    await using held = new AsyncDisposableStack();
    await body(await openContext(command, flags, places, reporter, held), holder);
  } finally {
    lock?.[Symbol.dispose]();
  }
}

async function acquire(command: string, directory: string, seconds: number): Promise<Disposable> {
  const lock = new UpdateLock(directory);
  const deadline = performance.now() + seconds * 1000;
  while (true) {
    try {
      return await lock.acquire(command);
    } catch (error) {
      const busy = error instanceof UpdateError && error.code === "refused";
      if (!busy || performance.now() > deadline) throw error;
      await setTimeout(LOCK_POLL_MILLISECONDS);
    }
  }
}
