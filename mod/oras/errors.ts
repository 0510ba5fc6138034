/**
 * What goes wrong with registries and their content.
 *
 * @module
 */

/**
 * Kinds of failure: `reference`: not a name of anything; `refused`: the registry says no to these
 * credentials; `missing`: there is no such thing; `content`: what came is not what was promised;
 * `unreachable`: no answer, or not to the end, and asking again may help; `untrusted`: one side does not
 * accept the other's certificate; `protocol`: an answer that the
 * specification does not have; `io`: a layout that cannot be read or written.
 */
export type OrasErrorCode =
  | "reference"
  | "refused"
  | "missing"
  | "content"
  | "unreachable"
  | "untrusted"
  | "protocol"
  | "io";

/** A failure, with what was being done and what was found instead. */
export class OrasError extends Error {
  /** Tells it from other errors. */
  override readonly name = "OrasError";
  /** Which kind. */
  readonly code: OrasErrorCode;

  /** `action` is what was being done, `found` what was found instead of what was wanted. */
  constructor(code: OrasErrorCode, action: string, found: string, options?: ErrorOptions) {
    super(`${action}: ${found}`.replaceAll(/\s+/g, " "), options);
    this.code = code;
  }
}
