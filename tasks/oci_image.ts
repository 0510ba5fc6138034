/**
 * `deno task oci-image`: the agent's own container image, into registries and image layouts.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";
import { copy } from "../mod/oras/mod.ts";
import { targets, taskOptions } from "./arguments.ts";
import { type AgentImage, buildAgentImage } from "./oci_image/agent_image.ts";
import { openDestination, REGISTRY_OPTIONS } from "./publish/destination.ts";
import { givenKey, signAndTag, SIGNING_OPTIONS } from "./publish/sign.ts";
import { main, say } from "./screen.ts";

const HELP =
  `deno task oci-image --to DESTINATION [--to DESTINATION …] [--target x86_64|aarch64|all]
                    [--revision TEXT] [--sign-key FILE [--passphrase-file FILE]]
                    [--plain-http] [--ca-file FILE] [--json]

Makes the agent's container image, an OCI index of linux/amd64 and linux/arm64, without a container
engine and without root. What is there already is not sent again.

  --to DESTINATION   host/repository:tag, or oci:DIRECTORY:tag for an image layout; several are one
                     build
  --target ARCH      x86_64, aarch64 or all (all)
  --revision TEXT    the annotation org.opencontainers.image.revision, such as a commit
  --sign-key FILE    sign the index, which vouches for both images, and put the signature beside it:
                     a private Ed25519 key in PEM, or minisign's
  --passphrase-file FILE  the key's passphrase
  --plain-http       speak http to the registries
  --ca-file FILE     trust this certificate authority, in PEM
  --json             print the result as JSON: digests, platforms, layers, packages

  deno task oci-image --to oci:dist/agent-image:0.1.0
  deno task oci-image --to registry.lan/kubesolo/update:0.1.0 --to registry.lan/kubesolo/update:latest

The image has two layers, so that a new agent moves only the second: the base (glibc, libgcc and a
static BusyBox as mount and umount, from the packages that Debian has for each architecture, with
their licences), and the agent at /usr/bin/kubesolo-update, which is the entry point. There is no
shell, no grub-editenv (the agent writes grubenv itself) and no reboot (in a container the agent
leaves a request in /run/kubesolo-update/requests).

The same sources, the same Deno and the same packages make the same digests; SOURCE_DATE_EPOCH is
the time in it. Credentials are found where \`deno task publish\` finds them.`;

/** The result as JSON: sizes in bytes. */
function report({ descriptor, platforms }: AgentImage, destinations: readonly string[]) {
  return {
    digest: descriptor.digest,
    destinations,
    platforms: platforms.map(({ descriptor, layers, packages }) => ({
      platform: `${descriptor.platform?.os}/${descriptor.platform?.architecture}`,
      digest: descriptor.digest,
      layers: layers.map(({ name, descriptor: { digest, size }, unpacked }) => ({
        name,
        digest,
        size,
        unpacked,
      })),
      packages: Object.fromEntries(packages.map(({ name, version }) => [name, version])),
    })),
  };
}

/** The same for people. */
function* lines({ digest, destinations, platforms }: ReturnType<typeof report>): Generator<string> {
  const human = (size: number) => format(size, { binary: true }).padStart(9);
  for (const { platform, digest, layers, packages } of platforms) {
    yield `${platform.padEnd(12)}  ${digest}`;
    for (const { name, size, unpacked } of layers) {
      yield `  ${name.padEnd(10)}  ${human(size)}  (${human(unpacked).trim()} unpacked)`;
    }
    const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
    yield `  ${"packages".padEnd(10)}  ${versions.join(", ")}`;
  }
  for (const destination of destinations) yield `${destination}  ${digest}`;
}

await main(async () => {
  const values = taskOptions(HELP, {
    "to": { type: "string", multiple: true, default: [] },
    "target": { type: "string", default: "all" },
    "revision": { type: "string" },
    ...SIGNING_OPTIONS,
    ...REGISTRY_OPTIONS,
    "json": { type: "boolean", default: false },
  });
  if (values.to.length === 0) throw new Error(`wanted --to\n\n${HELP}`);
  const architectures = targets(values.target);
  const key = await givenKey(values);
  // before the build: what cannot be written to is said at once
  const destinations = await Promise.all(values.to.map(async (name) => {
    const { target, tag } = await openDestination(name, values);
    if (!tag) throw new Error(`--to ${name}: wanted a tag at the end, such as :0.1.0`);
    return { target, tag, name };
  }));
  const image = await buildAgentImage(architectures, values.revision);
  for (const { target, tag, name } of destinations) {
    say(`copying to ${name}`);
    await copy(image.content, image.descriptor.digest, target);
    await signAndTag(target, image.descriptor, key, tag);
  }
  const made = report(image, destinations.map(({ name }) => name));
  if (values.json) console.log(JSON.stringify(made, null, 2));
  else for (const line of lines(made)) console.log(line);
});
