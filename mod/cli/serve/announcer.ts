/**
 * Says what a directory has to offer, whenever that changes.
 *
 * @module
 */

import { oneLine, type Reporter, shortened } from "../../core/mod.ts";
import type { Contents } from "../../serve/mod.ts";

/** Most characters of one line. */
const MAX_LINE = 300;

/** Reports each place of a directory once, and again when it has become another. */
export function announcer(reporter: Reporter): (contents: Contents) => void {
  let before: ReadonlyMap<string, string> | undefined;
  return (contents) => {
    const now = linesOf(contents);
    for (const [place, line] of now) {
      // in a moment it will be one or the other
      if (line === CHECKING) now.set(place, before?.get(place) ?? CHECKING);
      else if (before?.get(place) !== line) say(reporter, `${place} ${line}`);
    }
    for (const place of before?.keys() ?? []) {
      if (!now.has(place)) say(reporter, `${place} is gone`);
    }
    const isEmpty = now.size === 0 && before?.size !== 0;
    if (isEmpty) say(reporter, "nothing to serve yet: put a latest.json and its files there");
    before = now;
  };
}

const CHECKING = "";

/** What is to be said of each place. */
function linesOf({ places, repositories, problems }: Contents): Map<string, string> {
  const lines = new Map<string, string>();
  for (const { name, state, problem, releases } of places.values()) {
    const versions = releases.map(({ release }) => release.version).join(", ");
    const why = problem === undefined ? "" : `: ${problem}`;
    lines.set(
      `/${name}`,
      state === "checking"
        ? CHECKING
        : state === "offered"
        ? `offers ${versions}${why}`
        : `is not offered (${state})${why}`,
    );
  }
  for (const { name, tags, problems, isChecking } of repositories.values()) {
    const lost = [...problems].map(([what, why]) => `; not ${what}: ${why}`).join("");
    const tagged = [...tags.keys()].join(", ") || "nothing";
    lines.set(`repository ${name}`, isChecking ? CHECKING : `has ${tagged}${lost}`);
  }
  for (const [name, problem] of problems) lines.set(`/${name} itself`, problem);
  return lines;
}

function say(reporter: Reporter, line: string): void {
  reporter.report({ kind: "step", message: shortened(oneLine(line), MAX_LINE) });
}
