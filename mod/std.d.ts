// deno-std on npm ships no types; these are the parts of @std that the project uses.

declare module "@std/assert" {
  export function assert(value: unknown, message?: string): asserts value;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertThrows<E extends Error = Error>(
    fn: () => unknown,
    // deno-lint-ignore no-explicit-any
    errorClass?: new (...args: any[]) => E,
    messageIncludes?: string,
    message?: string,
  ): E;
  export function assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    // deno-lint-ignore no-explicit-any
    errorClass?: new (...args: any[]) => E,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
}

declare module "@std/bytes/concat" {
  export function concat(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;
}

declare module "@std/path" {
  export function join(...parts: string[]): string;
  export function dirname(path: string): string;
  export function basename(path: string, suffix?: string): string;
  export function resolve(...parts: string[]): string;
  export function relative(from: string, to: string): string;
  export function normalize(path: string): string;
  export function isAbsolute(path: string): boolean;
  export function fromFileUrl(url: string | URL): string;
}

declare module "@std/fmt/bytes" {
  export function format(
    bytes: number,
    options?: { binary?: boolean; maximumFractionDigits?: number; minimumFractionDigits?: number },
  ): string;
}

declare module "@std/fmt/colors" {
  export function bold(text: string): string;
  export function dim(text: string): string;
  export function red(text: string): string;
  export function green(text: string): string;
  export function yellow(text: string): string;
  export function cyan(text: string): string;
  export function blue(text: string): string;
  export function stripAnsiCode(text: string): string;
  export function getColorEnabled(): boolean;
  export function setColorEnabled(enabled: boolean): void;
}
