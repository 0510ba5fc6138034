/** From addresses to files, and never out of the directory. */

/** A regular file, as it was when it was looked at. */
export interface FoundFile {
  /** Its real path: no links are in it. */
  readonly path: string;
  /** What its directory says of it. */
  readonly info: Deno.FileInfo;
}

/**
 * The names in the path of a URL; undefined where one of them is none: hidden, `..`, empty, or with a
 * slash or a control character in it.
 */
export function namesOf(pathname: string): readonly string[] | undefined {
  const names: string[] = [];
  for (const step of pathname.slice(1).split("/")) {
    try {
      names.push(decodeURIComponent(step));
    } catch {
      return undefined;
    }
  }
  return names.every(isVisibleName) ? names : undefined;
}

/** Whether a file of this name may be shown: `.` and `..` begin like hidden ones. */
export function isVisibleName(name: string): boolean {
  // deno-lint-ignore no-control-regex
  return name !== "" && !name.startsWith(".") && !/[/\\\x00-\x1f\x7f]/.test(name);
}

/**
 * Where `path` really is, below the real path `root`; undefined where it is not there, hidden, or a link
 * leads out.
 */
export async function realPathInside(root: string, path: string): Promise<string | undefined> {
  try {
    const real = await Deno.realPath(path);
    if (real === root) return real;
    if (!real.startsWith(`${root}/`)) return undefined;
    return real.slice(root.length + 1).split("/").every(isVisibleName) ? real : undefined;
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}

/** The regular file `names` below the real path `root`; undefined where there is none. */
export async function fileInside(
  root: string,
  names: readonly string[],
): Promise<FoundFile | undefined> {
  const path = await realPathInside(root, [root, ...names].join("/"));
  if (path === undefined) return undefined;
  try {
    const info = await Deno.stat(path);
    return info.isFile ? { path, info } : undefined;
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}

/** Whether a name that is no good was the reason: a link may lead where the program may not look. */
function isNotThere(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.FilesystemLoop ||
    error instanceof TypeError ||
    error instanceof Error && "code" in error && error.code === "ENAMETOOLONG";
}
