/**
 * `deno task bundle`: one file with a release, for nodes without a network.
 *
 * @module
 */

import { dirname } from "@std/path";
import { ImageLayout, writeTarLayout } from "../mod/oras/mod.ts";
import { taskOptions } from "./arguments.ts";
import { sha256OfFile } from "./digest.ts";
import { publishRelease } from "./publish/artifact.ts";
import { Console } from "./publish/console.ts";
import { publishIndex } from "./publish/release_index.ts";
import { givenKey, signAndTag, SIGNING_OPTIONS } from "./publish/sign.ts";
import { main } from "./screen.ts";

const HELP = `deno task bundle --release DIR [--release DIR] --output FILE.ksu
                 [--tag TAG] [--zstd] [--sign-key FILE [--passphrase-file FILE]] [--json]

Packs a release into one file that is carried to nodes without a network: an OCI image layout in a
tar file, with an index of the release for each architecture. The same releases give the same bytes.

  --release DIR       a release for one architecture, as \`deno task publish\` takes it: latest.json
                      with an architecture, and its files; again for the other architecture
  --output FILE       the bundle; its name is to end with .ksu, so that nodes find it on a stick
  --tag TAG           what the release is called in it (default: stable)
  --zstd              compress partition images; nodes unpack them as they come
  --sign-key FILE     sign the index, which vouches for all that it lists: a private Ed25519 key
  --passphrase-file FILE  the key's passphrase is its first line
  --json              print the result as JSON: output, size, sha256, tag, digest

Onto a stick with ext4 or FAT (whose files end at 4 GiB), and from there into a node:

  deno task bundle --release amd64/ --release arm64/ --output os-2.0.0.ksu
  mount /dev/sdb1 /mnt && cp os-2.0.0.ksu /mnt/ && umount /mnt

  kubesolo-update check --from /dev/sdb1
  kubesolo-update apply --from /dev/sdb1 --reboot

Other tools read it as well: skopeo inspect --raw oci-archive:os-2.0.0.ksu:stable`;

await main(async () => {
  const values = taskOptions(HELP, {
    "release": { type: "string", multiple: true, default: [] },
    "output": { type: "string" },
    "tag": { type: "string", default: "stable" },
    "zstd": { type: "boolean", default: false },
    ...SIGNING_OPTIONS,
    "json": { type: "boolean", default: false },
  });
  const { release: releases, output, tag, zstd } = values;
  if (!output || releases.length === 0) throw new Error(`wanted --release and --output\n\n${HELP}`);
  if (!output.endsWith(".ksu")) {
    throw new Error(`--output: wanted a name that ends with .ksu, found ${output}`);
  }
  const key = await givenKey(values);
  // beside the bundle: where that has room, its parts have, and /tmp may be memory
  const scratch = await Deno.makeTempDir({ dir: dirname(output), prefix: ".bundle-" });
  try {
    const layout = await ImageLayout.create(scratch);
    const digests: string[] = [];
    for (const release of releases) {
      const options = { zstd, follower: new Console() };
      digests.push((await publishRelease(release, layout, undefined, options)).manifest.digest);
    }
    const index = await publishIndex(layout, digests);
    await signAndTag(layout, index, key, tag);
    await writeTarLayout(layout, output);
    const { size } = await Deno.stat(output);
    const report = { output, size, sha256: await sha256OfFile(output), tag, digest: index.digest };
    console.log(
      values.json ? JSON.stringify(report, null, 2) : `${output}:${tag}  ${index.digest}`,
    );
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
});
