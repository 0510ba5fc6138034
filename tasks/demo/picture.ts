/**
 * A picture of the two slots, and a bar for bytes that move.
 *
 * @module
 */

import { bold, cyan, dim, green, stripAnsiCode, yellow } from "@std/fmt/colors";
import type { Story } from "./story.ts";

const INSIDE = 27;
const BAR_CELLS = 30;

/** Both slots as boxes, side by side. */
export function slotsPicture(story: Story): string {
  const [a, b] = ["A", "B"].map((slot) => box(slot, story));
  return a.map((line, i) => `      ${line}   ${b[i]}`).join("\n");
}

function box(slot: string, { versions, environment, boot }: Story): string[] {
  const running = boot?.slot === slot;
  const version = versions[slot] ?? dim("being written");
  const chosen = environment?.active === slot;
  const role = !chosen
    ? ""
    : environment?.success
    ? green("confirmed: GRUB boots it")
    : yellow(`on trial: ${tries(environment?.counter ?? 0)} left`);
  const edge = running ? cyan : dim;
  const title = `─ slot ${slot}${running ? ", running" : ""} `;
  return [
    edge(`┌${title}${"─".repeat(INSIDE - title.length)}┐`),
    `${edge("│")}${cell(` ${running ? bold(version) : version}`)}${edge("│")}`,
    `${edge("│")}${cell(` ${role}`)}${edge("│")}`,
    edge(`└${"─".repeat(INSIDE)}┘`),
  ];
}

function tries(count: number): string {
  return count === 1 ? "1 try" : `${count} tries`;
}

function cell(text: string): string {
  return text + " ".repeat(Math.max(0, INSIDE - stripAnsiCode(text).length));
}

/** A bar of `percent`. */
export function bar(percent: number): string {
  const filled = Math.round((BAR_CELLS * Math.min(percent, 100)) / 100);
  return cyan("█".repeat(filled)) + dim("░".repeat(BAR_CELLS - filled));
}
