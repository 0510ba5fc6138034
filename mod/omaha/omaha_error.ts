/**
 * Failures as the protocol counts them.
 *
 * @module
 */

import { type ErrorCode, type ErrorParts, UpdateError } from "../core/mod.ts";
import { Declined } from "../http/mod.ts";
import { ERROR_CODE } from "./codes.ts";

/** A failure with a number of its own. */
export class OmahaError extends UpdateError {
  /** What an event says of it: one of `ERROR_CODE`, or 2000 and the status of an HTTP answer. */
  readonly errorCode: number;

  /** An error with both codes. */
  constructor(errorCode: number, code: ErrorCode, parts: ErrorParts) {
    super(code, parts);
    this.errorCode = errorCode;
  }
}

/** What an event says of an answer of HTTP that is not the wanted one. */
export function httpErrorCode(status: number): number {
  return ERROR_CODE.httpBase + status;
}

/** What an event says of a failure: its own number or its cause's, else that of its kind. */
export function errorCodeOf(thrown: unknown): number {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof OmahaError) return error.errorCode;
    if (error instanceof Declined) return httpErrorCode(error.status);
  }
  const code = thrown instanceof UpdateError ? thrown.code : undefined;
  if (code === "source") return ERROR_CODE.downloadTransfer;
  return code === "verification" ? ERROR_CODE.payloadHashMismatch : ERROR_CODE.generic;
}
