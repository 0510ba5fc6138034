/**
 * `deno task publish`: one architecture's release, as an artifact in a registry or an image layout.
 *
 * @module
 */

import { taskOptions } from "./arguments.ts";
import { publishRelease } from "./publish/artifact.ts";
import { openDestination } from "./publish/destination.ts";
import { main } from "./screen.ts";

const HELP = `deno task publish --release DIR --to DESTINATION [--plain-http] [--ca-file FILE]

Publishes a release (latest.json, vmlinuz and kubesolo-os.gz in DIR) as an OCI artifact, with the
members of latest.json as annotations. What is there already is not sent again.

  --release DIR       the release
  --to DESTINATION    host/repository:tag, or oci:DIRECTORY:tag for an image layout
  --plain-http        speak http to the registry
  --ca-file FILE      trust this certificate authority, in PEM

Credentials come from $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json, ~/.docker/config.json or
/etc/kubesolo/registry-auth.json.`;

await main(async () => {
  const values = taskOptions(HELP, {
    "release": { type: "string" },
    "to": { type: "string" },
    "plain-http": { type: "boolean", default: false },
    "ca-file": { type: "string" },
  });
  const { release, to } = values;
  if (!release || !to) throw new Error(`wanted --release and --to\n\n${HELP}`);
  const { target, tag } = await openDestination(to, {
    plainHttp: values["plain-http"],
    caFile: values["ca-file"],
  });
  const { digest } = await publishRelease(release, target, tag);
  console.log(`${target.name}${tag ? `:${tag}` : ""}  ${digest}`);
});
