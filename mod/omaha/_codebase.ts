/** Where packages are. */

import { isWeb } from "../http/mod.ts";

/** Most characters of a package's name, with the directories before it. */
const MAX_NAME_LENGTH = 512;

// nothing that means something in a URL, but for what is escaped
const STEP = /^(?:[\w.+~=@,-]|%[0-9a-f]{2})+$/i;

/** Why a package's name is none; undefined where it is good. A slash before it does no harm. */
export function nameFault(name: string): string | undefined {
  if (name.length > MAX_NAME_LENGTH) return `a name of ${name.length} characters`;
  const steps = stepsOf(name);
  return steps.every((step) => STEP.test(step) && isPlain(step))
    ? undefined
    : "a name that is no plain path below a codebase";
}

/**
 * A codebase, of the server at `server`.
 *
 * @throws {Error} where it is no address, or falls from https to http.
 */
export function readCodebase(text: string, server: URL): URL {
  const url = URL.parse(text.trim());
  if (!url || !isWeb(url)) throw new Error("a codebase that is no http or https URL");
  if (server.protocol === "https:" && url.protocol === "http:") {
    throw new Error("a codebase at http, of a server at https");
  }
  url.hash = "";
  return url;
}

/**
 * The address of a package whose name is good. go-omaha concatenates codebase and name, update_engine adds
 * a slash that is missing, nebraska's syncer joins them as paths: it is the same address where there are
 * slashes at the end of the one, at the beginning of the other, at both or at neither. A query stays.
 */
export function addressOf(codebase: URL, name: string): URL {
  const url = new URL(codebase);
  url.pathname = [url.pathname.replace(/\/+$/, ""), ...stepsOf(name)].join("/");
  return url;
}

/** Whether a step, once it is unescaped, is the name of one file or directory. */
function isPlain(step: string): boolean {
  try {
    const name = decodeURIComponent(step);
    // deno-lint-ignore no-control-regex
    return name !== "." && name !== ".." && !/[/\\\x00-\x1f\x7f]/.test(name);
  } catch {
    return false;
  }
}

function stepsOf(name: string): string[] {
  return name.replace(/^\/+/, "").split("/");
}
