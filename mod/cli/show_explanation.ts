/**
 * `check --explain` as text for people.
 *
 * @module
 */

import { bold, dim, getColorEnabled, green, red, yellow } from "@std/fmt/colors";
import {
  adviceFor,
  type BootForecast,
  type Explanation,
  type FetchPlan,
  type GateResult,
} from "../core/mod.ts";
import { size } from "./log_line.ts";
import { NAME } from "./options.ts";
import { columns } from "./columns.ts";

const KEY_WIDTH = 13;

/** The decision, then what it was made from: every gate, what would be fetched, the next boot. */
export function showExplanation(outcome: Explanation): string {
  const { runningVersion, running, passive, source, version, steppingStoneTo, gates } = outcome;
  const step = steppingStoneTo ? `, a stepping stone to ${steppingStoneTo}` : "";
  return [
    line("decision", decision(outcome)),
    line("running", `${runningVersion ?? "an unknown version"} in slot ${running}`),
    line("source", source),
    line("offers", outcome.digest === undefined ? nothing(outcome) : `${bold(version)}${step}`),
    "",
    ...columns([[dim("gate"), "", dim("wanted"), dim("found")], ...gates.map(gateRow)]),
    "",
    ...outcome.fetch.map((plan, at) =>
      line(at === 0 ? "to fetch" : "", fetchPlan(plan, outcome.staged))
    ),
    ...outcome.room === undefined
      ? []
      : [line("", `${fetched(outcome)}; slot ${passive} has room for ${size(outcome.room)}`)],
    line("next boot", nextBoot(outcome.nextBoot)),
  ].join("\n");
}

function line(key: string, text: string): string {
  return key.padEnd(KEY_WIDTH) + text;
}

function nothing({ result }: Explanation): string {
  return result === "withheld" ? "nothing for now" : "nothing else";
}

function decision(
  { result, refusal, staged, phase, version, passive, withheld }: Explanation,
): string {
  if (result === "up_to_date") return `${green("up to date")}: there is nothing to do`;
  if (result === "withheld") return `${yellow("withheld")}: ${withheld}`;
  if (refusal) {
    return `${red("refused")} by gate ${bold(refusal.gate)}; ${adviceFor(refusal)}`;
  }
  const there = `${version} is in slot ${passive} already`;
  if (staged && phase === "activated") return `${there}, and activated: reboot to try it`;
  if (staged) return `${there}: \`${NAME} activate\` lets GRUB try it`;
  return `${green("available")}: \`${NAME} apply\` takes it`;
}

function gateRow({ gate, passed, wanted, found }: GateResult): string[] {
  const [yes, no] = getColorEnabled() ? [green("✓"), red("✗")] : ["passed", "refused"];
  return [gate, passed ? yes : no, wanted, found];
}

function fetchPlan({ name, size: bytes, there }: FetchPlan, staged: boolean): string {
  const all = bytes === undefined ? "of unknown size" : size(bytes);
  const rest = staged || (bytes !== undefined && there >= bytes)
    ? ", in the slot already"
    : there > 0
    ? `, of which ${size(there)} are in the slot already`
    : "";
  return `${name} ${all}${rest}`;
}

function fetched({ fetch, staged, result }: Explanation): string {
  if (staged || result === "up_to_date") return "nothing to fetch";
  const rest = fetch.map(({ size, there }) => size === undefined ? undefined : size - there);
  const sum = rest.reduce<number | undefined>(
    (total, bytes) => total === undefined || bytes === undefined ? undefined : total + bytes,
    0,
  );
  return sum === undefined ? "how much in all, the source does not say" : `${size(sum)} in all`;
}

function nextBoot({ slot, why, attempts, agreed }: BootForecast): string {
  const because = {
    confirmed: "confirmed",
    trial: `on trial, attempts left: ${attempts}`,
    back: "since the other slot has used up its attempts",
    default: "since there is no boot environment",
  }[why];
  const doubt = agreed ? "" : `; ${yellow("the two copies of grubenv differ")}`;
  return `slot ${slot}, ${because}${doubt}`;
}
