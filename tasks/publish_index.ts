/**
 * `deno task publish:index`: releases of several architectures under one tag.
 *
 * @module
 */

import { taskOptions } from "./arguments.ts";
import { openDestination, REGISTRY_OPTIONS } from "./publish/destination.ts";
import { publishIndex } from "./publish/release_index.ts";
import { givenKey, signAndTag, SIGNING_OPTIONS } from "./publish/sign.ts";
import { main } from "./screen.ts";

const HELP = `deno task publish:index --to DESTINATION --manifest REFERENCE --manifest REFERENCE …

Makes an index of manifests that are in the repository already, one for each architecture, and
gives it a tag. Artifacts and container images are taken; what each is for is in its annotation or
label io.kubesolo.os.architecture, or in an image's configuration.

  --to DESTINATION       host/repository:tag, or oci:DIRECTORY:tag for an image layout
  --manifest REFERENCE   tag or digest of a release in the same repository; several times
  --sign-key FILE        sign the index, which vouches for all that it lists: a private Ed25519 key
  --passphrase-file FILE the key's passphrase is its first line
  --plain-http           speak http to the registry
  --ca-file FILE         trust this certificate authority, in PEM

  deno task publish:index --to registry.lan/os/kubesolo:stable \\
    --manifest 2.0.0-amd64 --manifest 2.0.0-arm64`;

await main(async () => {
  const values = taskOptions(HELP, {
    "to": { type: "string" },
    "manifest": { type: "string", multiple: true, default: [] },
    ...SIGNING_OPTIONS,
    ...REGISTRY_OPTIONS,
  });
  const { to, manifest } = values;
  if (!to || manifest.length === 0) throw new Error(`wanted --to and --manifest\n\n${HELP}`);
  const { target, tag } = await openDestination(to, values);
  if (!tag) throw new Error(`--to: wanted a tag at the end, found ${to}`);
  const key = await givenKey(values);
  const index = await publishIndex(target, manifest);
  await signAndTag(target, index, key, tag);
  console.log(`${target.name}:${tag}  ${index.digest}`);
});
