/**
 * A small reader of both text formats, written from their specifications and not from the writer.
 *
 * @module
 */

import type { Family, Sample } from "../../mod/metrics/mod.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Read = Mutable<Omit<Family, "samples">> & { samples: Sample[] };

const SUFFIXES: Readonly<Record<string, string>> = { counter: "_total", info: "_info" };

/** The families in a text; in OpenMetrics, with `# EOF` and stems for names. */
export function parseText(text: string, openMetrics: boolean): Family[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("no line feed at the end");
  const lines = text.split("\n").slice(0, -1);
  if (openMetrics && lines.pop() !== "# EOF") throw new Error("no # EOF");
  const families = new Map<string, Read>();
  for (const line of lines) {
    const comment = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/s.exec(line);
    if (comment) {
      const [, word, name, rest] = comment;
      const family = families.get(name) ?? { name, type: "gauge", help: "", samples: [] };
      families.set(name, family);
      if (family.samples.length > 0) throw new Error(`${line}: behind its series`);
      if (word === "TYPE") family.type = rest as Family["type"];
      if (word === "UNIT") family.unit = rest as Family["unit"];
      if (word === "HELP") family.help = unescape(rest, openMetrics);
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s.exec(line);
    if (!sample) throw new Error(`no line of the format: ${line}`);
    const [, name, labels, value] = sample;
    const family = [...families.values()].at(-1);
    const suffix = openMetrics ? SUFFIXES[family?.type ?? ""] ?? "" : "";
    if (!family || `${family.name}${suffix}` !== name) throw new Error(`${line}: out of place`);
    family.samples.push({
      ...labels === undefined ? {} : { labels: parseLabels(labels) },
      value: value.endsWith("Inf") ? Number(value.replace("Inf", "Infinity")) : Number(value),
    });
  }
  return [...families.values()].map((family) => ({
    ...family,
    name: `${family.name}${openMetrics ? SUFFIXES[family.type] ?? "" : ""}`,
  }));
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const match = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/.exec(rest);
    if (!match) throw new Error(`no label: ${rest}`);
    if (match[1] in labels) throw new Error(`twice: ${match[1]}`);
    labels[match[1]] = unescape(match[2], true);
    rest = rest.slice(match[0].length);
  }
  return labels;
}

function unescape(text: string, quotes: boolean): string {
  return text.replaceAll(
    quotes ? /\\([\\n"])/g : /\\([\\n])/g,
    (_, what) => what === "n" ? "\n" : what,
  );
}
