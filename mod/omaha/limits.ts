/**
 * What the other side may send, at most.
 *
 * @module
 */

/** Most bytes of a request or a response: what go-omaha's server and client read. */
export const MAX_DOCUMENT_BYTES = 1 << 20;

/** Most elements that lie inside each other: a response needs seven. */
export const MAX_DEPTH = 32;

/** Most elements of a document, known or not. */
export const MAX_ELEMENTS = 20_000;

/** Most applications that one document speaks of. */
export const MAX_APPS = 256;

/** Most characters of an attribute or a text that is read. */
export const MAX_TEXT_LENGTH = 64 << 10;

/** Requests that are answered at the same time; more are sent away. */
export const MAX_PARALLEL_REQUESTS = 64;

/** Milliseconds until a client must have sent all of its request. */
export const REQUEST_MS = 30_000;
