/**
 * `deno task publish`: one architecture's release, as an artifact or a container image, in a registry or an
 * image layout.
 *
 * @module
 */

import { taskOptions } from "./arguments.ts";
import { publishRelease } from "./publish/artifact.ts";
import { Console } from "./publish/console.ts";
import { openDestination, REGISTRY_OPTIONS } from "./publish/destination.ts";
import { publishImage } from "./publish/image.ts";
import { givenKey, signAndTag, SIGNING_OPTIONS } from "./publish/sign.ts";
import { main } from "./screen.ts";

const HELP = `deno task publish --release DIR --to DESTINATION [--as-image | --zstd] [--json]
                  [--stepping-stone TAG …] [--sign-key FILE [--passphrase-file FILE]]
                  [--plain-http] [--ca-file FILE]

Publishes a release: latest.json in DIR, and beside it either vmlinuz and kubesolo-os.gz, or the
partition image that its image_url names. What is there already is not sent again; what latest.json
says of size and SHA-256 has to be right.

  --release DIR       the release
  --to DESTINATION    host/repository:tag, or oci:DIRECTORY:tag for an image layout
  --as-image          an ordinary container image with the files below /boot, for registries and
                      tools that take nothing else; without it, an OCI artifact
  --zstd              compress a partition image; nodes unpack it as it comes
  --stepping-stone TAG  an older release in the same repository that leads to this one, for nodes
                      that are older than min_compatible_version; again for each further one
  --sign-key FILE     sign the manifest, and put the signature beside it: a private Ed25519 key in
                      PEM, or minisign's, as \`kubesolo-update keygen\` makes it
  --passphrase-file FILE  the key's passphrase is its first line
  --json              print the result as JSON: name, tag, digest, layers
  --plain-http        speak http to the registry
  --ca-file FILE      trust this certificate authority, in PEM

One architecture, straight to the tag that nodes ask for:

  deno task publish --release release/ --to registry.lan/os/kubesolo:stable

Two architectures under one tag:

  deno task publish --release amd64/ --to registry.lan/os/kubesolo:2.0.0-amd64
  deno task publish --release arm64/ --to registry.lan/os/kubesolo:2.0.0-arm64
  deno task publish:index --to registry.lan/os/kubesolo:stable \\
    --manifest 2.0.0-amd64 --manifest 2.0.0-arm64

As a container image, which skopeo, crane and pull-through caches copy like any other:

  deno task publish --release release/ --as-image --to registry.lan/os/kubesolo:stable
  skopeo copy docker://registry.lan/os/kubesolo:stable docker://edge.lan/os/kubesolo:stable

A partition image, compressed, onto a stick:

  deno task publish --release release/ --zstd --to oci:/media/usb/os:stable

The members of latest.json become annotations io.kubesolo.os.version, .channel, .architecture,
.min_compatible_version, .min_allowed_version, .release_notes, .release_date, .expires and
.metadata_version; of an image they are labels, too. With them, what other tools push is taken as well:

  oras push registry.lan/os/kubesolo:stable \\
    --annotation io.kubesolo.os.version=2.0.0 --annotation io.kubesolo.os.architecture=x86_64 \\
    vmlinuz:application/vnd.kubesolo.os.kernel.v1+octet-stream \\
    kubesolo-os.gz:application/vnd.kubesolo.os.initramfs.v1+gzip

Credentials come from $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json, ~/.docker/config.json or
/etc/kubesolo/registry-auth.json.`;

await main(async () => {
  const values = taskOptions(HELP, {
    "release": { type: "string" },
    "to": { type: "string" },
    "as-image": { type: "boolean", default: false },
    "zstd": { type: "boolean", default: false },
    "stepping-stone": { type: "string", multiple: true },
    ...SIGNING_OPTIONS,
    "json": { type: "boolean", default: false },
    ...REGISTRY_OPTIONS,
  });
  const { release, to, zstd, "as-image": asImage, "stepping-stone": steppingStones } = values;
  if (!release || !to) throw new Error(`wanted --release and --to\n\n${HELP}`);
  if (asImage && zstd) throw new Error("wanted --as-image or --zstd, found both");
  const { target, tag } = await openDestination(to, values);
  const key = await givenKey(values);
  const follower = new Console();
  const { manifest, layers } = asImage
    ? await publishImage(release, target, undefined, { follower, steppingStones })
    : await publishRelease(release, target, undefined, { zstd, follower, steppingStones });
  const signature = await signAndTag(target, manifest, key, tag);
  if (!values.json) {
    console.log(`${target.name}${tag ? `:${tag}` : ""}  ${manifest.digest}`);
    return;
  }
  const report = {
    name: target.name,
    tag,
    digest: manifest.digest,
    signature: signature?.digest,
    layers: layers.map(({ name, layer: { mediaType, digest, size, annotations }, wasThere }) => ({
      name,
      mediaType,
      digest,
      size,
      annotations,
      wasThere,
    })),
  };
  console.log(JSON.stringify(report, null, 2));
});
