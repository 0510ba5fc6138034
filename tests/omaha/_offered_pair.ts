/**
 * A fleet's server that offers a release of two files.
 *
 * @module
 */

import { pattern } from "../core/_recorded_sink.ts";
import { Fleet, manifestXml, offerXml, packageXml, responseXml } from "./_fleet.ts";

/** `vmlinuz` of 2.0.0. */
export const KERNEL = pattern(300_000);

/** `kubesolo-os.gz` of 2.0.0. */
export const INITRAMFS = pattern(500_000).map((byte) => byte ^ 0x55);

/** Both as packages. */
export const PAIR = [packageXml("vmlinuz", KERNEL), packageXml("kubesolo-os.gz", INITRAMFS)];

/** A server that offers 2.0.0 as the pair; `codebases` stand behind its own address. */
export function fleetWithPair(codebases: readonly string[] = ["/files/"]): Fleet {
  const fleet: Fleet = new Fleet(() => {
    const urls = codebases.map((path) => path.includes("://") ? path : `${fleet.url}${path}`);
    return new Response(responseXml(offerXml(urls, [manifestXml("2.0.0", PAIR)])));
  });
  fleet.files.set("/files/vmlinuz", KERNEL);
  fleet.files.set("/files/kubesolo-os.gz", INITRAMFS);
  return fleet;
}
