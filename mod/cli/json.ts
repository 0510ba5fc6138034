/**
 * Outcomes as text for machines.
 *
 * @module
 */

/** `value` as JSON, its members in snake_case as in the state file; on one line without an indent. */
export function json(value: unknown, indent = 2): string {
  return JSON.stringify(snakeCase(value), null, indent);
}

function snakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.replaceAll(/([a-z0-9])([A-Z])/g, (_, end, start) => `${end}_${start.toLowerCase()}`),
      snakeCase(member),
    ]),
  );
}
