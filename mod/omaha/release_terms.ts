/**
 * What a release looks like as an Omaha update: the names that a publisher and a node agree on.
 *
 * One manifest is one release. Its packages are {@linkcode KERNEL_PACKAGE} and
 * {@linkcode INITRAMFS_PACKAGE}, or one package of any other name, which is a whole partition image; other
 * packages beside the pair are not looked at. A name may have directories before it, as in
 * `2.0.0/vmlinuz`: that tells apart the releases of one answer, whose codebases are the same.
 *
 * For nodes with a key, {@linkcode STATEMENT_NAME} lies in the same directory, the release's own
 * `latest.json`, and its signatures beside it, as a file server has them: `latest.json.sig` or
 * `latest.json.minisig`; roots of trust at `trust/N.json` there. So a release directory that is published
 * over HTTP is a codebase as it stands.
 *
 * @module
 */

/** The package of the kernel. */
export const KERNEL_PACKAGE = "vmlinuz";

/** The package of the initramfs. */
export const INITRAMFS_PACKAGE = "kubesolo-os.gz";

/**
 * The signed statement, in the directory of the packages, in the format of `latest.json`. The version and
 * the digests in it must be those of the manifest; the addresses in it are not used. It may be listed as a
 * package, but need not be.
 */
export const STATEMENT_NAME = "latest.json";

/** The name of the statement beside a package: it may have directories before it as well. */
export function statementName(packageName: string): string {
  return packageName.replace(/[^/]*$/, STATEMENT_NAME);
}
