/**
 * The time that everything built says it was made at, so that the same inputs give the same bytes.
 *
 * @module
 */

const DEFAULT_EPOCH = 1_700_000_000;

/** Seconds since 1970: `SOURCE_DATE_EPOCH` where it is set, else a fixed one. */
export function buildEpoch(): number {
  const value = Deno.env.get("SOURCE_DATE_EPOCH");
  if (!value) return DEFAULT_EPOCH;
  if (/^\d{1,10}$/.test(value)) return Number(value);
  throw new Error(`SOURCE_DATE_EPOCH: wanted seconds since 1970, found "${value}"`);
}
