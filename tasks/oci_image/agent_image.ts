/**
 * The agent's container image (OCI image specification 1.1, config.md and layer.md).
 *
 * @module
 */

import { ARCHITECTURES as GO_ARCHITECTURES } from "../../mod/core/mod.ts";
import {
  describe,
  type Descriptor,
  MemoryTarget,
  packIndex,
  packManifest,
  pushManifest,
} from "../../mod/oras/mod.ts";
import { compileAgent } from "../compile.ts";
import type { Entry } from "../cpio.ts";
import { sha256Of } from "../digest.ts";
import { ensureInstalled } from "../debian.ts";
import type { Architecture } from "../elf.ts";
import { buildEpoch } from "../epoch.ts";
import { gzipOnce } from "../gzip.ts";
import { AGENT_PATH } from "../root_tree.ts";
import { say } from "../screen.ts";
import { type Control, DebianArchive } from "../debian_archive.ts";
import { imageRoot } from "./image_root.ts";
import { packTar } from "./tar.ts";
import project from "../../deno.json" with { type: "json" };

const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";

/** Largest layer; the agent's is some 35 MiB. */
const MAX_LAYER_BYTES = 256 * 1024 * 1024;

/** Of the agent, glibc, BusyBox and libgcc: an SPDX expression. */
const LICENSES =
  "MIT AND LGPL-2.1-or-later AND GPL-2.0-only AND GPL-3.0-or-later WITH GCC-exception-3.1";

/** One layer of one platform. */
export interface Layer {
  /** `base`: everything but the agent. */
  readonly name: "base" | "agent";
  readonly descriptor: Descriptor;
  /** Bytes as a tar file. */
  readonly unpacked: number;
  /** SHA-256 of the tar file, as the config has it. */
  readonly diffId: string;
}

/** The image of one platform. */
export interface PlatformImage {
  /** Of the manifest, with the platform. */
  readonly descriptor: Descriptor;
  readonly layers: readonly Layer[];
  /** Debian's packages that files of the base come from. */
  readonly packages: readonly Control[];
}

/** The image of all platforms. */
export interface AgentImage {
  /** Everything, for copying from. */
  readonly content: MemoryTarget;
  /** Of the index. */
  readonly descriptor: Descriptor;
  readonly platforms: readonly PlatformImage[];
}

/**
 * Builds the image for `architectures`. The same agent and the same packages are the same bytes; what
 * Debian has corrected since is other packages.
 *
 * @throws {Error} where the agent does not compile, or Debian's packages are not to be had.
 */
export async function buildAgentImage(
  architectures: readonly Architecture[],
  revision?: string,
): Promise<AgentImage> {
  await ensureInstalled("readelf");
  const annotations = describeImage(revision);
  const content = new MemoryTarget({ maxContentBytes: MAX_LAYER_BYTES });
  const debian = await DebianArchive.open();
  const platforms: PlatformImage[] = [];
  for (const architecture of architectures) {
    platforms.push(await buildPlatform(architecture, annotations, debian, content));
  }
  const manifests = platforms.map(({ descriptor }) => descriptor);
  const index = packIndex({ manifests, annotations });
  await pushManifest(content, index);
  return { content, descriptor: index.descriptor, platforms };
}

async function buildPlatform(
  name: Architecture,
  annotations: Readonly<Record<string, string>>,
  debian: DebianArchive,
  content: MemoryTarget,
): Promise<PlatformImage> {
  const [architecture] = [...GO_ARCHITECTURES].find(([, machine]) => machine === name) ??
    [name];
  const agent = await compileAgent(name);
  say(`packing linux/${architecture} (libraries and BusyBox: Debian's, unpacked, not installed)`);
  const scratch = await Deno.makeTempDir({ prefix: "oci-image-" });
  try {
    const root = await imageRoot(agent, { name, architecture }, debian, scratch);
    const layers = [
      await pushLayer("base", root.base, content),
      await pushLayer("agent", root.agent, content),
    ];
    const config = describeJson({
      created: new Date(buildEpoch() * 1000).toISOString().replace(".000Z", "Z"),
      architecture,
      os: "linux",
      config: {
        User: "0",
        Env: ["PATH=/usr/bin"],
        Entrypoint: [`/${AGENT_PATH}`],
        WorkingDir: "/",
        Labels: annotations,
      },
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(({ name }) => ({ created_by: `deno task oci-image: ${name}` })),
    });
    await content.push(config.descriptor, config.bytes);
    const manifest = packManifest({
      config: config.descriptor,
      layers: layers.map(({ descriptor }) => descriptor),
      annotations,
    });
    await pushManifest(content, manifest);
    const platform = { os: "linux", architecture };
    return { descriptor: { ...manifest.descriptor, platform }, layers, packages: root.packages };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function pushLayer(
  name: Layer["name"],
  entries: readonly Entry[],
  content: MemoryTarget,
): Promise<Layer> {
  const archive = packTar(entries, buildEpoch());
  const compressed = await gzipOnce(archive);
  const descriptor = describe(LAYER_TYPE, compressed);
  await content.push(descriptor, compressed);
  return { name, descriptor, unpacked: archive.length, diffId: `sha256:${sha256Of(archive)}` };
}

function describeJson(value: unknown) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { descriptor: describe(CONFIG_TYPE, bytes), bytes };
}

/** Annotations (annotations.md, pre-defined annotation keys), and labels of the same names. */
function describeImage(revision: string | undefined): Record<string, string> {
  const said = {
    title: "kubesolo-update",
    description: "Updates the operating system of an edge Kubernetes node, and keeps it bootable",
    version: project.version,
    licenses: LICENSES,
    ...revision ? { revision } : {},
  };
  return Object.fromEntries(
    Object.entries(said).map(([name, value]) => [`org.opencontainers.image.${name}`, value]),
  );
}
