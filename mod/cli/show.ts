/**
 * Outcomes as text for people.
 *
 * @module
 */

import { bold, dim, green, red, yellow } from "@std/fmt/colors";
import {
  type BootCopy,
  type CheckOutcome,
  type Floor,
  oneLine,
  type SlotStatus,
  type StatusOutcome,
} from "../core/mod.ts";
import { columns } from "./columns.ts";
import { size } from "./log_line.ts";

const LEDGER_LINES = 5;
/** With the gap, as wide as the names of all lines below the table. */
const KEY_WIDTH = 11;

/** `status` as a table: slots side by side, then boot environment, phase and ledger. */
export function showStatus(outcome: StatusOutcome): string {
  const { state, boot, slots, environment } = outcome;
  const rows: [string, string, string][] = [
    ["", bold("slot A"), bold("slot B")],
    ["version", versionOf(slots.A), versionOf(slots.B)],
    ["role", roleOf(slots.A, outcome), roleOf(slots.B, outcome)],
    ["contents", contentsOf(slots.A), contentsOf(slots.B)],
  ];
  const lines = columns(rows, [KEY_WIDTH]);
  lines.push("");
  lines.push(`boot         ${boot.why ?? "unknown"}, slot ${outcome.running} runs`);
  lines.push(...environment.copies.map((copy) => `${copy.name.padEnd(12)} ${describeCopy(copy)}`));
  lines.push(
    `phase        ${phaseText(state.phase)}${state.to_version ? ` ${state.to_version}` : ""}`,
  );
  if (state.floor) lines.push(`floor        ${floorText(state.floor)}`);
  if (state.last_error) lines.push(`error        ${red(state.last_error)}`);
  if (state.last_refusal) {
    const { gate, wanted, found, version } = state.last_refusal;
    lines.push(
      `refused      ${version ?? ""} by gate ${bold(gate)}: wanted ${wanted}, found ${found}`,
    );
  }
  if (state.withheld) {
    lines.push(`withheld     ${state.withheld.why} ${dim(`(asked ${state.withheld.at})`)}`);
  }
  for (const entry of state.ledger.slice(-LEDGER_LINES)) {
    const outcome = entry.outcome === "success" ? green("success    ") : red("rolled back");
    lines.push(`ledger       ${outcome} ${entry.version} ${dim(entry.at)} ${entry.reason}`);
  }
  for (const notice of outcome.notices) lines.push(`${yellow("warning")}      ${notice}`);
  return lines.join("\n");
}

/** `check` in a few lines. */
export function showCheck(outcome: CheckOutcome): string {
  const running = outcome.runningVersion ?? "an unknown version";
  const step = outcome.steppingStoneTo ? `, a stepping stone to ${outcome.steppingStoneTo},` : "";
  switch (outcome.result) {
    case "up_to_date":
      return `${green("up to date")}: ${running} runs, and ${upToDateBecause(outcome)}`;
    case "withheld":
      return `${yellow("withheld")}: ${running} runs, and ${outcome.withheld}`;
    case "available": {
      const bytes = outcome.size === undefined ? "" : `, ${size(outcome.size)} to fetch`;
      const notes = outcome.notes ? `\n${outcome.notes}` : "";
      return `${bold(outcome.version)}${step} is available (${running} runs${bytes})${notes}`;
    }
    case "refused": {
      const no = outcome.refusal;
      return `${bold(outcome.version)}${step} is there, but refused by gate ${
        bold(no?.gate ?? "")
      }: wanted ${no?.wanted}, found ${no?.found}`;
    }
  }
}

/** Why there is nothing to do. */
export function upToDateBecause({ digest }: { readonly digest?: string }): string {
  return digest === undefined ? "nothing else is offered" : "it is the newest";
}

function versionOf(slot: SlotStatus): string {
  return slot.version ?? dim("unknown");
}

function roleOf(slot: SlotStatus, { environment }: StatusOutcome): string {
  const words = [slot.running ? green("running") : "passive"];
  if (slot.primary) {
    const { effective } = environment;
    if (effective?.success) words.push("confirmed");
    else if (effective) words.push(yellow(`on trial, tries left: ${effective.counter ?? 0}`));
    else words.push("next by default");
  }
  return words.join(", ");
}

function contentsOf(slot: SlotStatus): string {
  return slot.problem ? red(slot.problem) : "complete";
}

function describeCopy(copy: BootCopy): string {
  if ("problem" in copy) return red(copy.problem);
  const { active, counter, success } = copy.variables;
  return `active_slot=${active} boot_counter=${counter ?? "?"} boot_success=${success ? 1 : 0}`;
}

/** What nothing may be older than. */
function floorText({ version, min_allowed_version, metadata_versions = {} }: Floor): string {
  const words = Object.entries(metadata_versions).map(([channel, number]) =>
    `metadata ${number} of ${oneLine(channel)}`
  );
  if (min_allowed_version) words.unshift(`${min_allowed_version}, as a release wants it`);
  if (version) words.unshift(`${version}, which was confirmed`);
  return words.join("; ") || "none";
}

function phaseText(phase: string): string {
  if (phase === "success") return green(phase);
  return phase === "failed" || phase === "rolled_back" ? red(phase) : bold(phase);
}
