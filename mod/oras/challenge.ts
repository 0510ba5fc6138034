/**
 * `WWW-Authenticate`: what a server wants to be told first (RFC 9110, 11).
 *
 * @module
 */

/** Most characters of the header that are read; what is longer counts as no challenge at all. */
export const MAX_CHALLENGE_LENGTH = 16 << 10;

/** One way in. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** What some schemes have instead of parameters. */
  readonly token68?: string;
  /** By name, in lower case; of parameters that are given twice, the first. */
  readonly parameters: ReadonlyMap<string, string>;
}

// RFC 9110, 5.6.2, 5.6.3, 5.6.4 and 11.2; all of them match where they stand and nowhere else
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/ys;
const TOKEN68 = /([A-Za-z0-9._~+/-]+=*)[ \t]*(?=,|$)/y;

/**
 * The challenges of the header's value, in its order; what comes after something that is no challenge is
 * left out. Several headers count as one, with commas between them.
 */
export function parseChallenges(header: string | null): Challenge[] {
  if (header === null || header.length > MAX_CHALLENGE_LENGTH) return [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  const challenges: Challenge[] = [];
  let parameters: Map<string, string> | undefined;
  while (true) {
    take(SEPARATORS);
    const name = take(TOKEN)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    const spaced = take(SPACE)?.[0] !== "";
    if (parameters && header[at] === "=") {
      at++;
      take(SPACE);
      const quoted = take(QUOTED)?.[1].replaceAll(/\\(.)/gs, "$1");
      const value = quoted ?? take(TOKEN)?.[0];
      if (value === undefined) return challenges;
      if (!parameters.has(name)) parameters.set(name, value);
      take(SPACE);
      if (at < header.length && header[at] !== ",") return challenges;
      continue;
    }
    const after = header[at];
    if (!spaced && after !== undefined && after !== ",") return challenges;
    parameters = new Map();
    const token68 = spaced ? take(TOKEN68)?.[1] : undefined;
    challenges.push({ scheme: name, ...(token68 ? { token68 } : {}), parameters });
    // a scheme that gave a token68 takes no parameters
    if (token68) parameters = undefined;
  }
}
