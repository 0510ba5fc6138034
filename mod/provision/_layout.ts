/** What a GUID partition table is made of, as everybody makes it. */

/** Bytes of a header that count. */
export const HEADER_BYTES = 92;

/** Entries of a table. */
export const ENTRIES = 128;

/** Bytes of each. */
export const ENTRY_BYTES = 128;

/** What a header begins with. */
export const SIGNATURE = "EFI PART";
