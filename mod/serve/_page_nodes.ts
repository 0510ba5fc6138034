/** The part of the status page about nodes. */

import { ERROR_CODE } from "../omaha/mod.ts";
import { type Content, html, type Markup } from "./_html.ts";
import { table } from "./_table.ts";
import { ago } from "./_words.ts";
import type { FleetNode, NodePhase } from "./fleet.ts";
import type { ServerStatus } from "./status.ts";

/** Between two parts of the bar, in hundredths of its width. */
const BAR_GAP = 0.2;

/** Most versions in the overview. */
const MAX_VERSIONS = 8;

/** How a phase is shown: a colour, words for many nodes, and for one with the version that it is about. */
interface Look {
  readonly tone: "good" | "busy" | "warn" | "bad" | "idle";
  readonly many: string;
  one(target: string): string;
}

const LOOKS: Readonly<Record<NodePhase, Look>> = {
  "error": { tone: "bad", many: "failed", one: (target) => `failed to take ${target}` },
  "rolled back": {
    tone: "bad",
    many: "rolled back",
    one: (target) => `rolled back from ${target}`,
  },
  "waiting": { tone: "warn", many: "with nothing that fits", one: () => "nothing here fits it" },
  "downloading": { tone: "busy", many: "downloading", one: (target) => `downloading ${target}` },
  "downloaded": { tone: "busy", many: "downloaded", one: (target) => `downloaded ${target}` },
  "installed": {
    tone: "busy",
    many: "before the reboot",
    one: (target) => `about to boot ${target}`,
  },
  "offered": { tone: "busy", many: "offered an update", one: (target) => `offered ${target}` },
  "updated": { tone: "good", many: "updated", one: () => "updated" },
  "up to date": { tone: "good", many: "up to date", one: () => "up to date" },
  "seen": { tone: "idle", many: "only asked", one: () => "has asked" },
};

/** All nodes in a bar and a few words; nothing where there are none. */
export function overview({ total, phases, versions }: ServerStatus): Content {
  if (total === 0) return undefined;
  const entries = Object.entries(phases) as [NodePhase, number][];
  let at = 0;
  const bars = entries.map(([phase, nodes], n) => {
    const [x, width] = [at, nodes / total * 100];
    const gap = n === entries.length - 1 ? 0 : Math.min(BAR_GAP, width / 2);
    at += width;
    return html`
      <rect class="${LOOKS[phase].tone}" x="${x}" width="${width - gap}" height="1" />
    `;
  });
  const said = entries.map(([phase, nodes]) => `${nodes} ${LOOKS[phase].many}`).join(", ");
  const running = versions.filter(([version]) => version !== "")
    .map(([version, nodes]) => `${version} on ${nodes}`).slice(0, MAX_VERSIONS);
  return html`
    <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="${said}">
      ${bars}
    </svg>
    <ul class="legend">
      ${entries.map(([phase, nodes]) => {
        const { tone, many } = LOOKS[phase];
        return html`
          <li><span class="dot ${tone}"></span>${nodes} ${many}</li>
        `;
      })}
    </ul>
    ${running.length === 0 ? undefined : html`
      <p class="quiet">Running: ${running.join(", ")}</p>
    `}
  `;
}

const COLUMNS = ["Node", "Runs", "State", "Follows", "Last seen"];

/** One page of nodes, as a table. */
export function nodesSection(
  { nodes, total, page, pages }: ServerStatus,
  host: string,
  now: number,
): Markup {
  if (total === 0) {
    return html`
      <h2>Nodes</h2>
      <div class="sheet empty">
        <p>No node has asked yet. They ask with</p>
        <p><code>kubesolo-update apply --omaha http://${host}/v1/update/</code></p>
      </div>
    `;
  }
  const link = (to: number, words: string) =>
    to < 1 || to > pages ? undefined : html`
      <a href="/?page=${to}">${words}</a>
    `;
  return html`
    <h2>Nodes <span>${total}</span></h2>
    ${table(COLUMNS, nodes.map((node) => nodeRow(node, now)))} ${pages === 1 ? undefined : html`
      <p class="pages">
        ${link(page - 1, "Before")}
        <span class="quiet">Page ${page} of ${pages}</span> ${link(page + 1, "After")}
      </p>
    `}
  `;
}

function nodeRow(node: FleetNode, now: number): Markup {
  const { id, alias, isAddress, version, phase, target, errorCode, since } = node;
  const { tone, one } = LOOKS[phase];
  const code = errorCode === 0 ? "" : `${errorWords(errorCode)}, `;
  return html`
    <tr>
      <td>${name(alias, id, isAddress)}</td>
      <td data-label="Runs"><span class="version">${version || "–"}</span></td>
      <td data-label="State" class="state">
        <div>
          <span class="dot ${tone}"></span>${one(target || "a release")}
          <small>${code}${ago(since, now)}</small>
        </div>
      </td>
      <td data-label="Follows"><div>${node.channel || "–"}<small>${node
        .architecture}</small></div></td>
      <td data-label="Last seen"><div>${ago(node.lastSeen, now)}<small>${isAddress
        ? node.agent
        : node.address}</small></div></td>
    </tr>
  `;
}

function name(alias: string, id: string, isAddress: boolean): Markup {
  if (alias) {
    return html`
      ${alias}<small class="id">${id}</small>
    `;
  }
  return isAddress
    ? html`
      ${id}<small>by its address</small>
    `
    : html`
      <span class="id">${id}</span>
    `;
}

/** An error code of update_engine's; those from 2000 on are answers of an HTTP server. */
function errorWords(code: number): string {
  return code > ERROR_CODE.httpBase
    ? `HTTP ${code - ERROR_CODE.httpBase} (error ${code})`
    : `error ${code}`;
}
