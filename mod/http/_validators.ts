/**
 * What tells whether a file on a server is still the same (RFC 9110, 8.8 and 13.1.5).
 *
 * @module
 */

/** The shortest time between change and answer for which `Last-Modified` is exact, in ms. */
const EXACT_AFTER = 1000;

/** Remembers, for each URL, the validator of what it last gave. */
export class Validators {
  #seen = new Map<string, string>();

  /** Headers that ask for a range only of the file that was seen before. */
  condition(url: URL): Record<string, string> {
    const validator = this.#seen.get(url.href);
    return validator ? { "if-range": validator } : {};
  }

  /** Whether the answer is of the file that was seen before, as far as that can be told. */
  fits(url: URL, headers: Headers): boolean {
    const before = this.#seen.get(url.href);
    const now = strongValidator(headers);
    return before === undefined || now === undefined || before === now;
  }

  /** Keeps the validator of an answer; a part of a file need not repeat it. */
  keep(url: URL, { status, headers }: Response): void {
    const validator = strongValidator(headers);
    if (validator) this.#seen.set(url.href, validator);
    else if (status === 200) this.#seen.delete(url.href);
  }
}

/** A strong entity tag, else a `Last-Modified` that is as good as one; undefined: neither. */
function strongValidator(headers: Headers): string | undefined {
  const tag = headers.get("etag");
  if (tag !== null && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag)) return tag;
  const modified = headers.get("last-modified");
  const age = Date.parse(headers.get("date") ?? "") - Date.parse(modified ?? "");
  return modified !== null && age >= EXACT_AFTER ? modified : undefined;
}
