/**
 * What a server may ask of the agent, at most.
 *
 * @module
 */

/** Most bytes of a `latest.json`. */
export const MAX_METADATA_BYTES = 1 << 20;

/** Redirects that are followed for one request. */
export const MAX_REDIRECTS = 5;

/** Most characters of `release_notes`. */
export const MAX_NOTES_LENGTH = 64 << 10;

/** Most characters of any other text in `latest.json`. */
export const MAX_TEXT_LENGTH = 256;

/** Most characters of a URL. */
export const MAX_URL_LENGTH = 8 << 10;

/** Seconds until a server must have sent its headers. */
export const HEADERS_SECONDS = 30;

/** Seconds until all of `latest.json` must have come. */
export const METADATA_SECONDS = 60;

/** Times that `latest.json` is asked for before its server counts as unreachable. */
export const METADATA_TRIES = 4;

/** Milliseconds before the second try; each further wait is twice as long. */
export const FIRST_WAIT_MILLISECONDS = 500;

/** The longest `Retry-After` that is honoured, in seconds; what is longer counts as this. */
export const MAX_RETRY_AFTER_SECONDS = 30;
