/** What a member of a JSON file must look like; each throws an error that names the member. */

export function need(holds: boolean, name: string): void {
  if (!holds) throw new Error(`${name} is not what the agent writes`);
}

export function object(value: unknown, name: string): Record<string, unknown> {
  need(typeof value === "object" && value !== null && !Array.isArray(value), name);
  return value as Record<string, unknown>;
}

export function strings(
  of: Record<string, unknown>,
  name: string,
  members: readonly string[],
): void {
  for (const member of members) need(typeof of[member] === "string", `${name}.${member}`);
}

export function count(value: unknown, name: string): void {
  need(Number.isSafeInteger(value) && Number(value) >= 0, name);
}

export function duration(value: unknown, name: string): void {
  need(typeof value === "number" && value >= 0, name);
}
