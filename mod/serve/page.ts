/**
 * The status page: one document, no script, nothing from elsewhere.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { format } from "@std/fmt/bytes";
import { ERROR_CODE } from "../omaha/mod.ts";
import { type Content, html, Markup } from "./_html.ts";
import { STYLE } from "./_style.ts";
import type { FleetNode, NodePhase } from "./fleet.ts";
import { PAGE_SECONDS } from "./limits.ts";
import type { ReleaseStatus, RepositoryStatus, ServerStatus } from "./status.ts";

/** What a browser may load for the page: the styles that are in it, and the icon. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" +
  "%3Crect width='16' height='16' rx='4' fill='%232c66a6'/%3E" +
  "%3Cpath d='M8 3.5v7M5 7.8l3 3 3-3M4.5 13h7' stroke='white' stroke-width='1.5' fill='none'/%3E%3C/svg%3E";

/** How a phase is shown: a colour, and words for one node and for many. */
const LOOKS: Readonly<Record<NodePhase, readonly [tone: string, one: string, many: string]>> = {
  "error": ["bad", "failed", "failed"],
  "rolled back": ["bad", "rolled back", "rolled back"],
  "waiting": ["warn", "nothing here fits it", "with nothing that fits"],
  "downloading": ["busy", "downloading", "downloading"],
  "downloaded": ["busy", "downloaded", "downloaded"],
  "installed": ["busy", "installed, before its reboot", "before the reboot"],
  "offered": ["busy", "offered", "offered an update"],
  "updated": ["good", "updated", "updated"],
  "up to date": ["good", "up to date", "up to date"],
  "seen": ["idle", "has asked", "only asked"],
};

const STATES: Readonly<Record<ReleaseStatus["state"], readonly [tone: string, words: string]>> = {
  offered: ["good", "offered"],
  checking: ["busy", "being checked"],
  incomplete: ["warn", "not complete"],
  broken: ["bad", "not readable"],
};

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The whole page, for who has asked at `host`. */
export function pageOf(status: ServerStatus, host: string): string {
  const now = Date.parse(status.at);
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="refresh" content="${PAGE_SECONDS}">
        <title>${titleOf(status)}</title>
        <link rel="icon" href="${ICON}">
        ${styleElement}
      </head>
      <body>
        <main>
          <header>
            <h1>Updates for this network</h1>
            <p class="quiet">
              As of <time datetime="${status.at}">${status.at.slice(
                11,
                19,
              )} UTC</time>, shown again every ${PAGE_SECONDS}
              seconds.
            </p>
          </header>
          ${overview(status)} ${nodesSection(status, host, now)} ${releasesSection(
            status.releases,
            now,
          )} ${status.repositories.map(repositorySection)} ${problemsSection(status)}
          <footer>
            <p>
              <a href="/status.json">All of this as JSON</a>, <a href="/metrics">as metrics</a>. Nodes
              that ask over HTTP or the registry send no machine id: they are listed by their addresses.
            </p>
          </footer>
        </main>
      </body>
    </html>
  `.text;
}

/** As it is: the policy names the digest of exactly these bytes. */
const styleElement = new Markup(`<style>${STYLE}</style>`);

function titleOf({ total, phases }: ServerStatus): string {
  const failed = (phases["error"] ?? 0) + (phases["rolled back"] ?? 0);
  return failed > 0 ? `${failed} of ${count(total, "node")} failed` : `${count(total, "node")}`;
}

function overview({ total, phases, versions }: ServerStatus): Content {
  if (total === 0) return undefined;
  const entries = Object.entries(phases) as [NodePhase, number][];
  let at = 0;
  const bars = entries.map(([phase, nodes]) => {
    const [x, width] = [at, nodes / total * 100];
    at += width;
    return html`
      <rect class="${LOOKS[phase][0]}" x="${x}" width="${Math.max(
        width - BAR_GAP,
        width / 2,
      )}" height="1" />
    `;
  });
  const said = entries.map(([phase, nodes]) => `${nodes} ${LOOKS[phase][2]}`).join(", ");
  const running = versions.filter(([version]) => version !== "")
    .map(([version, nodes]) => `${version} on ${nodes}`).slice(0, MAX_VERSIONS);
  return html`
    <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="${said}">
      ${bars}
    </svg>
    <ul class="legend">
      ${entries.map(([phase, nodes]) => {
        const [tone, , words] = LOOKS[phase];
        return html`
          <li><span class="dot ${tone}"></span>${nodes} ${words}</li>
        `;
      })}
    </ul>
    ${running.length === 0 ? undefined : html`
      <p class="quiet">Running: ${running.join(", ")}</p>
    `}
  `;
}

/** Between two parts of the bar, in hundredths of its width. */
const BAR_GAP = 0.2;

/** Most versions in the overview. */
const MAX_VERSIONS = 8;

function nodesSection({ nodes, total, page, pages }: ServerStatus, host: string, now: number) {
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
    <div class="sheet">
      <table>
        <thead>
          <tr>
            <th>Node</th>
            <th>Runs</th>
            <th>State</th>
            <th>Follows</th>
            <th>Last seen</th>
          </tr>
        </thead>
        <tbody>
          ${nodes.map((node) => nodeRow(node, now))}
        </tbody>
      </table>
    </div>
    ${pages === 1 ? undefined : html`
      <p class="pages">
        ${link(page - 1, "Before")}
        <span class="quiet">Page ${page} of ${pages}</span> ${link(page + 1, "After")}
      </p>
    `}
  `;
}

function nodeRow(node: FleetNode, now: number): Markup {
  const { id, alias, isAddress, version, phase, target, errorCode, since } = node;
  const [tone, words] = LOOKS[phase];
  const about = target !== "" && target !== version ? ` ${preposition(phase)}${target}` : "";
  const code = errorCode === 0 ? "" : `${errorWords(errorCode)}, `;
  return html`
    <tr>
      <td>${name(alias, id, isAddress)}</td>
      <td data-label="Runs"><span class="version">${version || "–"}</span></td>
      <td data-label="State" class="state">
        <div>
          <span class="dot ${tone}"></span>${words}${about}
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

function preposition(phase: NodePhase): string {
  if (phase === "error") return "to take ";
  return phase === "rolled back" ? "from " : "";
}

function releasesSection(releases: readonly ReleaseStatus[], now: number): Markup {
  if (releases.length === 0) {
    return html`
      <h2>Releases</h2>
      <div class="sheet empty">
        <p>
          There is nothing to serve yet. Put a release into the directory:
          <code>latest.json</code>, and the files that it names.
        </p>
      </div>
    `;
  }
  return html`
    <h2>Releases <span>${releases.length}</span></h2>
    <div class="sheet">
      <table>
        <thead>
          <tr>
            <th>Version</th>
            <th>State</th>
            <th>For</th>
            <th>Where</th>
            <th>Made</th>
          </tr>
        </thead>
        <tbody>
          ${releases.map((release) => releaseRow(release, now))}
        </tbody>
      </table>
    </div>
  `;
}

function releaseRow(release: ReleaseStatus, now: number): Markup {
  const { place, version, channel, architecture, date, expires, size, problem } = release;
  const isExpired = expires !== undefined && Date.parse(expires) <= now;
  const [tone, words] = isExpired ? ["warn", "expired"] : STATES[release.state];
  const remarks = [
    release.isStone ? "on the way to a newer one" : "",
    release.minCompatibleVersion ? `from ${release.minCompatibleVersion} on` : "",
    problem ?? "",
  ].filter((remark) => remark !== "");
  const signed = release.state !== "offered" ? "" : release.isSigned ? "signed" : "not signed";
  const path = `/${place.split("/").map(encodeURIComponent).join("/")}${place && "/"}latest.json`;
  return html`
    <tr>
      <td><span class="version">${version ?? "–"}</span></td>
      <td data-label="State" class="state">
        <div><span class="dot ${tone}"></span>${words}${remarks.map((remark) =>
          html`
            <small>${remark}</small>
          `
        )}</div>
      </td>
      <td data-label="For"><div>${channel ??
        (version === undefined ? "–" : "any channel")}<small>${architecture ??
        (version === undefined ? "" : "any architecture")}</small></div></td>
      <td data-label="Where">
        <div><a href="${path}">${place || "/"}</a><small>${signed}</small></div>
      </td>
      <td data-label="Made"><div>${date?.slice(0, 10) ?? "–"}<small>${size === undefined
        ? undefined
        : format(size, { binary: true })}</small></div></td>
    </tr>
  `;
}

function repositorySection({ name, tags, problems }: RepositoryStatus): Markup {
  return html`
    <h2>Registry: ${name} <span>${tags.length}</span></h2>
    <div class="sheet">
      <table>
        <thead>
          <tr>
            <th>Tag</th>
            <th>Version</th>
            <th>Manifest</th>
          </tr>
        </thead>
        <tbody>
          ${tags.map(({ tag, version, digest }) =>
            html`
              <tr>
                <td>${tag}</td>
                <td data-label="Version"><span class="version">${version ?? "–"}</span></td>
                <td data-label="Manifest"><span class="id">${digest}</span></td>
              </tr>
            `
          )}${Object.entries(problems).map(([what, why]) =>
            html`
              <tr>
                <td>${what || "–"}</td>
                <td data-label="State"><span><span class="dot warn"></span>not served</span></td>
                <td data-label="Why">${why}</td>
              </tr>
            `
          )}
        </tbody>
      </table>
    </div>
  `;
}

function problemsSection({ problems }: ServerStatus): Content {
  const entries = Object.entries(problems);
  if (entries.length === 0) return undefined;
  return html`
    <h2>Not looked at</h2>
    <div class="sheet empty">${entries.map(([place, why]) =>
      html`
        <p><span class="dot bad"></span>${place || "/"}: ${why}</p>
      `
    )}</div>
  `;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** How long ago a moment is, in one unit. */
function ago(moment: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - moment) / 1000));
  if (seconds < 10) return "just now";
  if (seconds < MINUTE) return `${seconds} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return `${count(Math.floor(seconds / DAY), "day")} ago`;
}
