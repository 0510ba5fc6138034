/**
 * What a registry may ask of its client, at most.
 *
 * @module
 */

/** Redirects that are followed for one request. */
export const MAX_REDIRECTS = 5;
/** Times that a request is sent before its server counts as unreachable. */
export const MAX_TRIES = 4;
/** Milliseconds before the second try; each further wait is twice as long. */
export const FIRST_WAIT_MILLISECONDS = 500;
/** The longest `Retry-After` that is honoured, in seconds; what is longer counts as this. */
export const MAX_RETRY_AFTER_SECONDS = 30;
/** Seconds until a server must have sent the headers of its answer. */
export const HEADERS_SECONDS = 30;
/** Bytes per second that an upload makes at least; slower ones are given up. */
export const MIN_UPLOAD_BYTES_PER_SECOND: number = 16 << 10;
/** Seconds without a byte after which a download is given up. */
export const STALL_SECONDS = 60;
/** Most bytes of an answer that says what went wrong; the rest is not read. */
export const MAX_ERROR_BYTES: number = 16 << 10;
/** Most errors that are shown of those in one answer. */
export const MAX_SHOWN_ERRORS = 3;
/** Most bytes that a token server may answer. */
export const MAX_TOKEN_BYTES: number = 64 << 10;
/** Seconds that a token lasts where its server does not say (distribution's token specification). */
export const DEFAULT_TOKEN_SECONDS = 60;
/** Seconds before its end at which a token counts as expired, or half its life where that is less. */
export const TOKEN_MARGIN_SECONDS = 10;
/** Bytes that are sent at once of content that comes as a stream. */
export const UPLOAD_CHUNK_BYTES: number = 8 << 20;
/** The largest `OCI-Chunk-Min-Length` that is honoured, in bytes. */
export const MAX_UPLOAD_CHUNK_BYTES: number = 64 << 20;
/** Most bytes of one page of a list. */
export const MAX_PAGE_BYTES: number = 4 << 20;
/** Most pages of one list. */
export const MAX_PAGES = 100;
/** Most tags, and most referrers, of one list. */
export const MAX_LISTED = 20_000;
/** Tags that a registry is asked for at once. */
export const TAGS_PER_PAGE = 1000;
