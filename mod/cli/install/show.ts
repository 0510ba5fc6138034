/**
 * What `install` did, for people.
 *
 * @module
 */

import { bold, dim, green, yellow } from "@std/fmt/colors";
import { columns } from "../columns.ts";
import type { Installed } from "./install.ts";
import type { Placed } from "./step.ts";

/** One line for each thing, what remains to be done, and the end of it. */
export function showInstalled(outcome: Installed): string {
  const { init, because, executable, others = [], units, settings, services, next } = outcome;
  const rows: string[][] = [["init", init, because]];
  for (const one of executable ? [executable, ...others] : []) {
    const { from, to, result } = one;
    const versions = from !== undefined && from !== to ? `${from} → ${to}` : to;
    rows.push(["executable", coloured(result), `${describe(one)}  ${versions}`]);
  }
  rows.push(...units.map((unit) => ["unit", coloured(unit.result), describe(unit)]));
  if (settings) rows.push(["settings", coloured(settings.result), describe(settings)]);
  rows.push(...services.map(({ name, result }) => ["service", coloured(result), name]));
  const remains = next.map((line) => `${yellow("next")}  ${line}`);
  return [...columns(rows), "", ...remains, ...remains.length > 0 ? [""] : [], end(outcome)]
    .join("\n");
}

function end(outcome: Installed): string {
  const { executable, units, settings, services, dryRun } = outcome;
  const things = [executable, settings, ...units, ...services].filter((thing) =>
    thing !== undefined
  );
  const results = things.map(({ result }) => result);
  if (things.length === 0) return bold("nothing is here: nothing was changed");
  if (results.every((result) => ["unchanged", "kept", "masked"].includes(result))) {
    const all = results.every((result) => result === "unchanged");
    return bold(`${all ? "all is in place: " : ""}nothing was changed`);
  }
  if (results.includes("removed") && !dryRun) return bold("done; this node has no agent any more");
  if (dryRun) return bold("nothing was changed: this is what would be done without --dry-run");
  return bold("done; `kubesolo-update doctor` says whether this node is in order");
}

function describe({ path, backup, note }: Placed): string {
  const details = [backup && `what was there is now ${backup}`, note].filter(Boolean).join("; ");
  return details ? `${path}  ${dim(details)}` : path;
}

function coloured(result: string): string {
  switch (result) {
    case "unchanged":
      return dim(result);
    case "kept":
    case "masked":
      return yellow(result);
    default:
      return green(result);
  }
}
