/**
 * What keys and signatures may be, at most: they are read before anybody has vouched for them.
 *
 * @module
 */

/** Bytes of a signature, and of its two halves together: RFC 8032, section 5.1.6. */
export const SIGNATURE_BYTES = 64;

/** Bytes of a public key: RFC 8032, section 5.1.5. */
export const PUBLIC_KEY_BYTES = 32;

/** Most signatures of one statement, over all its files. */
export const MAX_SIGNATURES = 32;

/** Most bytes of a file of keys. */
export const MAX_KEY_FILE_BYTES = 32 << 10;

/** Most keys that a node may know. */
export const MAX_KEYS = 32;
