/**
 * `Content-Range` (RFC 9110, 14.4).
 *
 * @module
 */

/** The part that an answer of 206 has: `first` to `last`, both included. */
export interface ContentRange {
  readonly first: number;
  readonly last: number;
  /** Length of the whole; undefined where the server does not know. */
  readonly total?: number;
}

/** Reads `bytes 5-9/10`; undefined where it says anything else, or nonsense. */
export function parseContentRange(value: string | null): ContentRange | undefined {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(value ?? "");
  if (!match) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const total = match[3] === "*" ? undefined : Number(match[3]);
  const sane = first <= last && Number.isSafeInteger(total ?? last) && (total ?? Infinity) > last;
  return sane ? { first, last, total } : undefined;
}

// an answer of 416 has an asterisk in place of the range
/** The length of the whole that an answer of 416 gives, where it does. */
export function unsatisfiedLength(value: string | null): number | undefined {
  const match = /^bytes \*\/(\d{1,16})$/i.exec(value ?? "");
  return match ? Number(match[1]) : undefined;
}

/** `Content-Length` as a number, where there is one. */
export function contentLength(headers: Headers): number | undefined {
  const value = headers.get("content-length");
  return value !== null && /^\d{1,16}$/.test(value) ? Number(value) : undefined;
}
