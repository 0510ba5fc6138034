/**
 * `deno task publish:index`: releases of several architectures under one tag.
 *
 * @module
 */

import { taskOptions } from "./arguments.ts";
import { openDestination } from "./publish/destination.ts";
import { publishIndex } from "./publish/release_index.ts";
import { givenKey, signManifest } from "./publish/sign.ts";
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
    "sign-key": { type: "string" },
    "passphrase-file": { type: "string" },
    "plain-http": { type: "boolean", default: false },
    "ca-file": { type: "string" },
  });
  const { to, manifest } = values;
  if (!to || manifest.length === 0) throw new Error(`wanted --to and --manifest\n\n${HELP}`);
  const { target, tag } = await openDestination(to, {
    plainHttp: values["plain-http"],
    caFile: values["ca-file"],
  });
  if (!tag) throw new Error(`--to: wanted a tag at the end, found ${to}`);
  const key = await givenKey(values);
  // nodes that ask for the tag find no index without its signature
  const index = await publishIndex(target, manifest, key ? undefined : tag);
  if (key) {
    await signManifest(target, index, key);
    await target.tag(index, tag);
  }
  console.log(`${target.name}:${tag}  ${index.digest}`);
});
