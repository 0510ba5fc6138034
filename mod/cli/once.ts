/**
 * What is made once.
 *
 * @module
 */

/** What `make` makes, made when it is first wanted. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}
