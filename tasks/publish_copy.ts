/**
 * `deno task publish:copy`: what is published in one place, brought to another.
 *
 * @module
 */

import { copy, isDigest } from "../mod/oras/mod.ts";
import { taskOptions } from "./arguments.ts";
import { companionsOf } from "./publish/companions.ts";
import { Console } from "./publish/console.ts";
import { openDestination, REGISTRY_OPTIONS } from "./publish/destination.ts";
import { main } from "./screen.ts";

const HELP = `deno task publish:copy --from SOURCE --to DESTINATION

Copies a release, an index with all that it lists, or any other artifact, from a registry or an image
layout to another. What is there already is not sent again; digests stay what they are.

  --from SOURCE         host/repository:tag, or oci:DIRECTORY:tag for an image layout
  --to DESTINATION      the same; its tag may be left out, and is then the source's
  --referrers           bring what refers to it as well: signatures, attestations
  --all                 bring all that nodes may ask for: what refers to it, signatures that cosign
                        has put under tags, stepping stones, and roots of trust (trust-N); without
                        it, or --referrers, nothing comes but the release
  --plain-http          speak http to registries
  --ca-file FILE        trust this certificate authority, in PEM

Examples:
  deno task publish:copy --from registry.lan/os/kubesolo:stable --to oci:stick/os:stable
  deno task publish:copy --all --from oci:stick/os:stable --to mirror.site/os/kubesolo`;

/** Characters of a digest that are shown while it is copied. */
const DIGEST_SHOWN = "sha256:0123456789ab".length;

await main(async () => {
  const values = taskOptions(HELP, {
    "from": { type: "string" },
    "to": { type: "string" },
    "referrers": { type: "boolean", default: false },
    "all": { type: "boolean", default: false },
    ...REGISTRY_OPTIONS,
  });
  const { from, to, all } = values;
  if (!from || !to) throw new Error(`wanted --from and --to\n\n${HELP}`);
  const source = await openDestination(from, values);
  if (!source.tag) throw new Error(`--from: wanted a tag at the end, found ${from}`);
  const destination = await openDestination(to, values);
  const follower = new Console();
  const bring = async (reference: string, tag = reference) => {
    const { digest } = await copy(source.target, reference, destination.target, {
      tag: isDigest(tag) ? undefined : tag,
      referrers: values.referrers || all,
      onProgress({ target: layer, state, bytes }) {
        const name = layer.digest.slice(0, DIGEST_SHOWN);
        if (state === "copying") follower.progress("copying", name, bytes, layer.size);
        else follower.uploaded({ name, layer, wasThere: state === "skipped" });
      },
    });
    console.log(`${destination.target.name}${isDigest(tag) ? "@" : ":"}${tag}  ${digest}`);
  };
  // nodes that find the release find the rest
  if (all) { for (const one of await companionsOf(source.target, source.tag)) await bring(one); }
  await bring(source.tag, destination.tag);
});
