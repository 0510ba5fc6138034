/**
 * `deno task release`: everything that a release of the agent consists of, in one directory.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";
import { relative } from "@std/path";
import { copy, ImageLayout, writeTarLayout } from "../mod/oras/mod.ts";
import { type PrivateKey, signFile } from "../mod/trust/mod.ts";
import { taskOptions } from "./arguments.ts";
import { compileProgram, DIST, PROGRAMS } from "./compile.ts";
import { sha256OfFile } from "./digest.ts";
import { ARCHITECTURES } from "./elf.ts";
import { type AgentImage, buildAgentImage } from "./oci_image/agent_image.ts";
import { givenKey, signAndTag, SIGNING_OPTIONS } from "./publish/sign.ts";
import { billOfMaterials } from "./release_agent/sbom.ts";
import { main, say } from "./screen.ts";
import manifest from "../deno.json" with { type: "json" };

const SUMS = "SHA256SUMS";

const HELP = `deno task release [--output DIR] [--tag v0.1.0] [--revision TEXT]
                  [--sign-key FILE [--passphrase-file FILE]]

Makes a release of the agent: its executables and those of \`provision\`, for x86_64 and aarch64, the
container image as a tar file of an OCI layout, a bill of materials (CycloneDX 1.6), and the checksums
of all of them. The same sources and the same packages make the same files.

  --output DIR            where it goes (dist/release/VERSION); what is there already is replaced
  --tag TAG               stop unless this is the tag of the version in deno.json
  --revision TEXT         the image's org.opencontainers.image.revision, such as a commit
  --sign-key FILE         sign ${SUMS} into ${SUMS}.sig, and the image beside it in its layout: a
                          private Ed25519 key, as \`kubesolo-update keygen\` or openssl makes it
  --passphrase-file FILE  the key's passphrase

  openssl pkeyutl -verify -rawin -pubin -inkey release.pub -in ${SUMS} -sigfile ${SUMS}.sig`;

/** Resolves when the image is in the file `path`, under the tag `version`, and signed where there is a key. */
async function writeImage(
  image: AgentImage,
  version: string,
  path: string,
  key?: PrivateKey,
): Promise<void> {
  const scratch = await Deno.makeTempDir({ prefix: "release-" });
  try {
    const layout = await ImageLayout.create(scratch);
    await copy(image.content, image.descriptor.digest, layout);
    await signAndTag(layout, image.descriptor, key, version);
    await writeTarLayout(layout, path);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

await main(async () => {
  const { version } = manifest;
  const values = taskOptions(HELP, {
    "output": { type: "string", default: `${DIST}/release/${version}` },
    "tag": { type: "string" },
    "revision": { type: "string" },
    ...SIGNING_OPTIONS,
  });
  const { output, tag, revision } = values;
  if (tag !== undefined && tag !== `v${version}`) {
    throw new Error(`--tag: wanted v${version}, the version in deno.json, found ${tag}`);
  }
  const key = await givenKey(values);

  await Deno.mkdir(output, { recursive: true });
  const files: string[] = [];
  for (const program of ["agent", "provision"] as const) {
    for (const architecture of ARCHITECTURES) {
      const name = `${PROGRAMS[program].name}-${architecture}`;
      await Deno.copyFile(await compileProgram(program, architecture), `${output}/${name}`);
      files.push(name);
    }
  }
  const image = await buildAgentImage(ARCHITECTURES, revision);
  await writeImage(image, version, `${output}/kubesolo-update-image.tar`, key);
  const bom = await billOfMaterials(version, image);
  await Deno.writeTextFile(`${output}/sbom.cdx.json`, `${JSON.stringify(bom, null, 2)}\n`);
  files.push("kubesolo-update-image.tar", "sbom.cdx.json");

  const sums = await Promise.all(
    files.map(async (name) => `${await sha256OfFile(`${output}/${name}`)}  ${name}\n`),
  );
  await Deno.writeTextFile(`${output}/${SUMS}`, sums.join(""));
  await Deno.remove(`${output}/${SUMS}.sig`).catch(() => {}); // of other sums, if any
  if (key) {
    const signature = signFile(key, new TextEncoder().encode(sums.join("")), "raw");
    await Deno.writeFile(`${output}/${SUMS}.sig`, signature);
  } else say(`${SUMS} is not signed: no --sign-key`);

  for (const name of files) {
    const { size } = await Deno.stat(`${output}/${name}`);
    console.log(`${relative(Deno.cwd(), `${output}/${name}`)}  ${format(size, { binary: true })}`);
  }
});
