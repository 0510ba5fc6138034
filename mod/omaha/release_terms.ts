/**
 * What a release looks like as an Omaha update: the names that a publisher and a node agree on.
 *
 * One manifest is one release. Its codebases are directories, all with the same files:
 * - the packages: {@linkcode KERNEL_PACKAGE} and {@linkcode INITRAMFS_PACKAGE}, or one package of any
 *   other name, which is a whole partition image;
 * - for nodes with a key, {@linkcode STATEMENT_NAME}, the release's own `latest.json`, and its signatures
 *   beside it, as a file server has them: `latest.json.sig` or `latest.json.minisig`.
 *
 * So a release directory that is published over HTTP is a codebase as it stands.
 *
 * @module
 */

/** The package of the kernel. */
export const KERNEL_PACKAGE = "vmlinuz";

/** The package of the initramfs. */
export const INITRAMFS_PACKAGE = "kubesolo-os.gz";

/**
 * The signed statement, in the codebase, in the format of `latest.json`. The version and the digests in it
 * must be those of the manifest; the addresses in it are not used. It may be listed as a package, but need
 * not be.
 */
export const STATEMENT_NAME = "latest.json";
