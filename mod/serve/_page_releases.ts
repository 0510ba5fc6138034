/** The part of the status page about releases and repositories. */

import { format } from "@std/fmt/bytes";
import { type Content, html, type Markup } from "./_html.ts";
import { table } from "./_table.ts";
import type { ReleaseStatus, RepositoryStatus, ServerStatus } from "./status.ts";

const STATES: Readonly<Record<ReleaseStatus["state"], readonly [tone: string, words: string]>> = {
  offered: ["good", "offered"],
  checking: ["busy", "being checked"],
  incomplete: ["warn", "not complete"],
  broken: ["bad", "not readable"],
};

/** All releases, as a table. */
export function releasesSection(releases: readonly ReleaseStatus[], now: number): Markup {
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
    ${table(
      ["Version", "State", "For", "Where", "Made"],
      releases.map((release) => releaseRow(release, now)),
    )}
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

/** One repository, as a table. */
export function repositorySection({ name, tags, problems }: RepositoryStatus): Markup {
  const served = tags.map(({ tag, version, digest }) =>
    html`
      <tr>
        <td>${tag}</td>
        <td data-label="Version"><span class="version">${version ?? "–"}</span></td>
        <td data-label="Manifest"><span class="id">${digest}</span></td>
      </tr>
    `
  );
  const others = Object.entries(problems).map(([what, why]) =>
    html`
      <tr>
        <td>${what || "–"}</td>
        <td data-label="State"><span><span class="dot warn"></span>not served</span></td>
        <td data-label="Why">${why}</td>
      </tr>
    `
  );
  return html`
    <h2>Registry: ${name} <span>${tags.length}</span></h2>
    ${table(["Tag", "Version", "Manifest"], [...served, ...others])}
  `;
}

/** What could not be looked at. */
export function problemsSection({ problems }: ServerStatus): Content {
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
