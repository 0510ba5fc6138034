/**
 * The site's releases in a registry: Debian's docker-registry, on this machine.
 *
 * @module
 */

import { PrivateKey } from "../../mod/trust/mod.ts";
import { Registry } from "../../tests/oras/_registry.ts";
import { publishRelease } from "../publish/artifact.ts";
import { openDestination } from "../publish/destination.ts";
import { publishIndex } from "../publish/release_index.ts";
import { signAndTag } from "../publish/sign.ts";
import { HOST_ADDRESS } from "../vm.ts";
import type { UpdateServer } from "./site.ts";

const REPOSITORY = "site/os";

/**
 * Publishes releases below `directory` as `deno task publish` and `publish:index` do: each under its
 * version, and the newest as `stable`.
 */
export async function serveFromRegistry(directory: string): Promise<UpdateServer> {
  const registry = await Registry.start();
  const key = PrivateKey.generate();
  return {
    pubkey: key.publicKey.bytes.toHex(),
    address: `${registry.host.replace("127.0.0.1", HOST_ADDRESS)}/${REPOSITORY}`,
    flags: "--plain-http",
    async publish(version, tampered = false) {
      const to = `${registry.host}/${REPOSITORY}:${version}`;
      const { target } = await openDestination(to, { "plain-http": true });
      await publishRelease(`${directory}/${version}`, target, version);
      const index = await publishIndex(target, [version]);
      // whoever can write to the registry, and has no key
      await signAndTag(target, index, tampered ? undefined : key, "stable");
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}
