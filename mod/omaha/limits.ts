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

/** Most attributes of a document, known or not. */
export const MAX_ATTRIBUTES = 20_000;

/** Most applications that one document speaks of. */
export const MAX_APPS = 256;

/** Most characters of an attribute or a text that is read. */
export const MAX_TEXT_LENGTH = 64 << 10;

/** Most bytes of requests that are on their way or being answered; who brings more is sent away. */
export const MAX_BYTES_UNDER_WAY: number = 64 << 20;

/** Requests that are answered at the same time, once they have come; more are sent away. */
export const MAX_PARALLEL_REQUESTS = 64;

/** Codebases of an answer that are tried; more are not looked at. */
export const MAX_CODEBASES = 16;

/** Seconds until all of an answer must have come: what go-omaha's client waits. */
export const ANSWER_SECONDS = 90;

/** Times that a server is asked again that says it cannot answer now, as go-omaha's client does. */
export const MAX_RETRIES = 7;

/** Times that a server is asked again that does not answer at all. */
export const MAX_SILENT_RETRIES = 3;

/** Milliseconds before the second try, give or take half of it; each further wait is twice as long. */
export const FIRST_WAIT_MS = 1000;

/** Seconds until a server must have answered to events alone: nobody waits for them for long. */
export const EVENT_SECONDS = 5;

/** Milliseconds for which a server that did not hear an event is told of no more: they come later. */
export const DEAF_MS = 60_000;

/** Events that are kept until a server takes them; the oldest go first. */
export const MAX_EVENTS = 32;

/** Most characters of an answer that is kept, in case the server does not repeat it. */
export const MAX_GRANT_LENGTH = 64 << 10;

/**
 * Hours for which a package that could not be fetched is not tried again without a person, as update_engine
 * does it; twice as long each time, and {@linkcode MAX_BACKOFF_HOURS} at the most.
 */
export const FIRST_BACKOFF_HOURS = 24;

/** See {@linkcode FIRST_BACKOFF_HOURS}. */
export const MAX_BACKOFF_HOURS: number = 16 * 24;

/** The longest `PollInterval` that is honoured, in seconds. */
export const MAX_POLL_SECONDS = 86_400;

/** Milliseconds until a client must have sent all of its request. */
export const REQUEST_MS = 30_000;
