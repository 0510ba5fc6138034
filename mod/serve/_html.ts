/** Text that is HTML already; everything else is escaped on its way into it. */

/** A piece of a page. */
export class Markup {
  /** As it stands in the page. */
  constructor(readonly text: string) {}
}

/** What may stand in a page: undefined is nothing. */
export type Content = string | number | Markup | readonly Markup[] | undefined;

/** A piece of a page, made of a template: what is put into it cannot be anything but text. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(parts.map((part, at) => part + textOf(values[at])).join(""));
}

function textOf(value: Content): string {
  if (value === undefined) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return String(value).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
