/**
 * The parts of a response.
 *
 * @module
 */

/** The answer to a ping or an event; CoreUpdate leaves the status out. */
export interface OmahaStatus {
  /** `ok`. */
  readonly status?: string;
}

/** One file of an update. */
export interface OmahaPackage {
  /** The file's name, to be joined to each codebase. */
  readonly name?: string;
  /** SHA-1 of its bytes in base64, which the protocol demands. */
  readonly hash?: string;
  /** SHA-256 of its bytes in base64. */
  readonly hash_sha256?: string;
  /** Its bytes. */
  readonly size?: number;
  /** Whether an update needs it. */
  readonly required?: boolean;
  /** More about it, in a form that `content-type` names. */
  readonly metadata?: { readonly "content-type"?: string; readonly text: string };
}

/** What the client is to do; leave out what would be zero or false, as other servers do. */
export interface OmahaAction {
  /** When: `postinstall` is what update_engine looks for. */
  readonly event?: string;
  /** The version for people. */
  readonly DisplayVersion?: string;
  /** SHA-256 of the package in base64. */
  readonly sha256?: string;
  /** Whether it needs an administrator. */
  readonly needsadmin?: boolean;
  /** Whether the package is a difference to the version before. */
  readonly IsDeltaPayload?: boolean;
  /** Whether a failed download is tried again at once. */
  readonly DisablePayloadBackoff?: boolean;
  /** Failures until the next codebase is tried. */
  readonly MaxFailureCountPerUrl?: number;
  /** Signature of the payload's metadata. */
  readonly MetadataSignatureRsa?: string;
  /** Bytes of the payload's metadata, as text. */
  readonly MetadataSize?: string;
  /** When the update is forced. */
  readonly deadline?: string;
  /** Where people read more. */
  readonly MoreInfo?: string;
  /** Whether people are asked first. */
  readonly Prompt?: boolean;
}

/** One version that is offered. */
export interface OmahaManifest {
  /** The version. */
  readonly version?: string;
  /** Whether it must be run before anything newer is. */
  readonly is_floor?: boolean;
  /** Why. */
  readonly floor_reason?: string;
  /** Whether it is the last of several. */
  readonly is_target?: boolean;
  /** Its files. */
  readonly packages: readonly OmahaPackage[];
  /** What is to be done with them. */
  readonly actions: readonly OmahaAction[];
}

/** The answer to the question for an update. */
export interface OmahaUpdateCheckResponse {
  /** One of `UPDATE_STATUS`, or of what other servers say. */
  readonly status?: string;
  /** Seconds until the client is to ask again, where the server has an opinion. */
  readonly PollInterval?: string;
  /** Codebases: where the packages are, any of them. */
  readonly urls: readonly string[];
  /** What is offered: floors in ascending order, then the target. */
  readonly manifests: readonly OmahaManifest[];
}

/** The answer about one application. */
export interface OmahaAppResponse {
  /** As it was in the request. */
  readonly appid?: string;
  /** One of `APP_STATUS`, or of what other servers say. */
  readonly status?: string;
  /** Where there was a ping. */
  readonly ping?: OmahaStatus;
  /** Where it was asked for. */
  readonly updatecheck?: OmahaUpdateCheckResponse;
  /** One for each event. */
  readonly events: readonly OmahaStatus[];
}

/** A whole response; its `protocol` is always `PROTOCOL`. */
export interface OmahaResponse {
  /** Who answers. */
  readonly server?: string;
  /** The applications, in the order of the request. */
  readonly apps: readonly OmahaAppResponse[];
}
