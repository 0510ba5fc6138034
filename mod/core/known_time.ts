/**
 * What time it is at least: a clock that was never set, or was set back, makes nothing fresh again.
 *
 * @module
 */

import type { Floor } from "./floor.ts";
import { isMoment } from "./release.ts";
import type { UpdateState } from "./state.ts";

/** No agent that knows of expiry was built earlier, whatever its build says. */
export const EARLIEST_CLOCK: Date = new Date("2026-01-01T00:00:00Z");

/** A clock that shows this or more was never set: nothing is remembered of it. */
export const LATEST_CLOCK: Date = new Date("2056-01-01T00:00:00Z");

/** What expiry is judged by. */
export interface KnownTime {
  /** The moment. */
  readonly at: Date;
  /** The moment, and where it comes from. */
  readonly found: string;
}

/** What is known of the time. */
export interface TimeFacts {
  /** The node's clock. */
  readonly clock: Date;
  /** What the operator says it is; goes before the clock, and before what the clock once said. */
  readonly offline?: Date;
  /** When the agent was built. */
  readonly builtAt?: Date;
  /** With the dates of releases that were accepted. */
  readonly floor?: Floor;
  /** With the moments at which things happened, by the clock of then. */
  readonly state: UpdateState;
}

/**
 * The clock, or the operator's word in its place; but nothing earlier than when the agent was built, the
 * date of a release that was accepted, and, where the operator says nothing, what the clock has shown before.
 */
export function knownTime(
  { clock, offline, builtAt, floor, state }: TimeFacts,
): KnownTime {
  const shown = offline
    ? { at: offline, word: "given with --offline-time", stands: "--offline-time says" }
    : { at: clock, word: "on the node's clock", stands: "the node's clock shows" };
  const floors = [
    {
      at: builtAt && builtAt > EARLIEST_CLOCK ? builtAt : EARLIEST_CLOCK,
      word: "when this agent was built",
    },
    { at: moment(floor?.time), word: "the date of a release that was taken" },
    // a clock that once was in the future must not be believed for ever
    { at: offline ? undefined : clockShown(state), word: "which the clock has shown before" },
  ];
  let latest: { at: Date; word: string } = shown;
  for (const { at, word } of floors) if (at && at > latest.at) latest = { at, word };
  const found = latest === shown
    ? `${shown.at.toISOString()} ${shown.word}`
    : `${latest.at.toISOString()}, ${latest.word}; ${shown.stands} ${shown.at.toISOString()}`;
  return { at: latest.at, found };
}

/** The latest moment at which the agent has written something down, as far as the state knows. */
export function clockShown(state: UpdateState): Date | undefined {
  const all = state.clock_shown === undefined
    ? [
      state.started_at,
      state.offered?.at,
      state.last_refusal?.at,
      ...Object.values(state.slots).map((written) => written?.at),
      ...state.ledger.map(({ at }) => at),
    ]
    : [state.clock_shown];
  const stamps = [...all, state.updated_at].map(moment)
    .filter((at): at is Date => at !== undefined && at < LATEST_CLOCK);
  return stamps.length > 0 ? stamps.reduce((a, b) => a > b ? a : b) : undefined;
}

function moment(text: string | undefined): Date | undefined {
  return text !== undefined && isMoment(text) ? new Date(text) : undefined;
}
