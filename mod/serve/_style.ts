/** How the status page looks: by itself, in light and dark, from a phone to a wall. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f7f6f3; --sheet: #fffefc; --ink: #21201d; --quiet: #67645d; --line: #e4e1da;
  --good: #2c7a4b; --busy: #2c66a6; --warn: #95590a; --bad: #b23a2e; --idle: #8b877e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141416; --sheet: #1b1b1e; --ink: #e9e8e4; --quiet: #a19f99; --line: #2e2e33;
    --good: #74c795; --busy: #84b7ee; --warn: #e2b062; --bad: #f08d81; --idle: #7d7b76;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
main { max-width: 68rem; margin: 0 auto; padding: 3.5rem 2rem 5rem; }
h1 { margin: 0; font-size: 1.75rem; font-weight: 600; letter-spacing: -.015em; line-height: 1.2; }
h2 { margin: 3.5rem 0 1rem; font-size: 1.0625rem; font-weight: 600; }
h2 span, .quiet, footer, th { color: var(--quiet); font-weight: 400; }
p { margin: .4rem 0; max-width: 42rem; }
a { color: inherit; text-decoration-color: var(--idle); text-underline-offset: .2em; }
a:hover { text-decoration-color: currentColor; }
code, .id { font: .875em/1.5 ui-monospace, "SFMono-Regular", Menlo, "DejaVu Sans Mono", monospace; }
.bar { display: block; width: 100%; height: .625rem; margin: 2.25rem 0 1rem; border-radius: .375rem; }
.bar rect, .dot { fill: currentColor; background: currentColor; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.75rem; margin: 0; padding: 0; list-style: none; }
.dot {
  display: inline-block; width: .5rem; height: .5rem; margin-right: .55rem; border-radius: 50%;
  vertical-align: .07em;
}
.good { color: var(--good); } .busy { color: var(--busy); } .warn { color: var(--warn); }
.bad { color: var(--bad); } .idle { color: var(--idle); }
.sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: .75rem; }
.empty { padding: 1.25rem 1.5rem; }
table { width: 100%; border-collapse: collapse; text-align: left; }
th { padding: .7rem 1rem; font-size: .8125rem; }
td { padding: .8rem 1rem; border-top: 1px solid var(--line); vertical-align: top; }
th:first-child, td:first-child { padding-left: 1.5rem; }
th:last-child, td:last-child { padding-right: 1.5rem; }
td small { display: block; color: var(--quiet); font-size: .8125rem; }
/* a long name is broken, and not the words beside it */
td + td { min-width: 7.5rem; }
td.state { min-width: 12rem; }
td:last-child { min-width: 9.5rem; }
td.state small { padding-left: 1.05rem; }
.version { font-weight: 600; }
.pages { display: flex; gap: 1.5rem; margin-top: 1rem; }
footer { margin-top: 4rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: .875rem; }
@media (max-width: 46rem) {
  main { padding: 2rem 1.125rem 3rem; }
  h2 { margin-top: 2.75rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; }
  tr { padding: 1rem 1.125rem; }
  tr + tr { border-top: 1px solid var(--line); }
  td, td:first-child, td:last-child { padding: 0; border: 0; min-width: 0; }
  td + td { display: grid; grid-template-columns: 6.5rem 1fr; min-width: 0; margin-top: .35rem; }
  td + td::before { content: attr(data-label); color: var(--quiet); font-size: .875rem; }
  td:first-child { font-size: 1.0625rem; }
  td:first-child .id { font-size: .8125rem; }
  td.state small { padding-left: 0; }
}
`;
