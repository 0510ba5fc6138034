/**
 * What answers say: statuses, errors, lengths.
 *
 * @module
 */

import { guarded, readUpTo } from "./_body.ts";
import { shown } from "./_shown.ts";
import { OrasError, type OrasErrorCode } from "./errors.ts";
import { MAX_ERROR_BYTES, MAX_RETRY_AFTER_SECONDS, MAX_SHOWN_ERRORS } from "./registry_limits.ts";

/** An answer, and the URL behind all redirects that gave it. */
export interface Answer {
  readonly response: Response;
  readonly url: URL;
}

/** The URL as it may be shown: without its query, in which there may be secrets. */
export function printable(url: URL): string {
  return shown(`${url.protocol}//${url.host}${url.pathname}`);
}

/** Ends an answer that nobody reads. */
export async function dismiss(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** Whether asking again may help (RFC 9110, 15.5.9 and 15.6; RFC 6585, 4). */
export function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** `Retry-After` in milliseconds, bounded; 0 where there is none (RFC 9110, 10.2.3). */
export function retryAfterMilliseconds(response: Response): number {
  const value = response.headers.get("retry-after");
  if (value === null) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.min(Math.max(wait || 0, 0), MAX_RETRY_AFTER_SECONDS * 1000);
}

/** `Content-Length` as a number, where there is one. */
export function contentLength(response: Response): number | undefined {
  const value = response.headers.get("content-length");
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** The media type without its parameters, in lower case; empty where there is none. */
export function mediaTypeOf(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
}

/** Complains where the answer is a page for people, as networks give that want a login first. */
export async function refuseWebPage({ response, url }: Answer): Promise<void> {
  if (mediaTypeOf(response) !== "text/html") return;
  await dismiss(response);
  throw new OrasError(
    "protocol",
    `reading the answer of ${printable(url)}`,
    "a web page, which no registry sends; see whether the network wants a login first",
  );
}

/** The failure that the answer tells of; its body is read or cancelled. */
export async function failureOf({ response, url }: Answer, action: string): Promise<OrasError> {
  const said = await errorsIn(response, action);
  const status = shown(`${response.status} ${response.statusText}`);
  return new OrasError(
    codeOf(response.status),
    action,
    `${printable(url)} answered ${status}${said ? `: ${said}` : ""}`,
  );
}

function codeOf(status: number): OrasErrorCode {
  if (status === 401 || status === 403) return "refused";
  if (status === 404) return "missing";
  return mayPass(status) ? "unreachable" : "protocol";
}

/** The codes and messages of an answer (distribution specification 1.1, "Error Codes"). */
async function errorsIn(response: Response, action: string): Promise<string> {
  if (response.body === null) return "";
  try {
    const bytes = await readUpTo(guarded(response.body, action), MAX_ERROR_BYTES);
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const errors = (value as { errors?: unknown } | null)?.errors;
    if (!Array.isArray(errors)) return "";
    const text = (part: unknown) => typeof part === "string" ? shown(part) : "";
    return errors.slice(0, MAX_SHOWN_ERRORS)
      .map((error) => [text(error?.code), text(error?.message)].filter(Boolean).join(": "))
      .filter(Boolean).join("; ");
  } catch {
    // the status alone has to do
    return "";
  }
}
