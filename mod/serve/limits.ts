/**
 * How much a served directory may hold, and what one client may ask of the server.
 *
 * @module
 */

/** Milliseconds between two looks at the directory. */
export const RESCAN_MS = 2000;

/** Levels of directories below the one that is served in which releases are looked for. */
export const MAX_DEPTH = 6;

/** Most directories that are looked at. */
export const MAX_DIRECTORIES = 2048;

/** Most entries of one directory that are looked at. */
export const MAX_ENTRIES = 16_384;

/** Most manifests of one image layout. */
export const MAX_MANIFESTS = 4096;

/** Indexes that lie inside each other. */
export const MAX_INDEX_DEPTH = 8;

/** Files whose digests are remembered. */
export const MAX_DIGESTS = 65_536;

/** Milliseconds after which a file that could not be read is tried again. */
export const UNREADABLE_MS = 10_000;

/** Seconds after which a node may come back to a release that is not complete yet. */
export const RETRY_SECONDS = 30;

/** Nodes that are remembered; of more, those that were not seen for longest are forgotten. */
export const MAX_NODES = 20_000;

/** Days after which a node that does not ask any more is forgotten. */
export const MAX_NODE_DAYS = 90;

/** Most characters of anything that a node says of itself. */
export const MAX_NODE_TEXT = 128;

/** Milliseconds after which what has changed about nodes is in the database. */
export const FLUSH_MS = 1000;

/** Nodes on one page for people. */
export const NODES_PER_PAGE = 100;

/** Nodes in one document for machines. */
export const NODES_PER_DOCUMENT = 1000;

/** Seconds after which a browser shows the page again. */
export const PAGE_SECONDS = 15;

/** Tags in one answer of the registry, where the client names no other number. */
export const TAGS_PER_PAGE = 1000;
