/**
 * The status page: one document, no script, nothing from elsewhere.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { html, Markup } from "./_html.ts";
import { nodesSection, overview } from "./_page_nodes.ts";
import { problemsSection, releasesSection, repositorySection } from "./_page_releases.ts";
import { STYLE } from "./_style.ts";
import { count } from "./_words.ts";
import { PAGE_SECONDS } from "./limits.ts";
import type { ServerStatus } from "./status.ts";

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
