/** Tables of the status page. */

import { html, type Markup } from "./_html.ts";

/** A table with these words above its columns. */
export function table(columns: readonly string[], rows: readonly Markup[]): Markup {
  return html`
    <div class="sheet">
      <table>
        <thead>
          <tr>
            ${columns.map((column) =>
              html`
                <th>${column}</th>
              `
            )}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  `;
}
