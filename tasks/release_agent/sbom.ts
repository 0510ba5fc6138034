/**
 * What the agent and its container image are made of: a bill of materials in CycloneDX 1.6.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { ARCHITECTURES } from "../elf.ts";
import { buildEpoch } from "../epoch.ts";
import type { AgentImage } from "../oci_image/agent_image.ts";
import { runText } from "../run.ts";
import { findRuntime } from "../runtime.ts";
import { ROOT } from "../sources.ts";

/** The part of `deno info --json main.ts` that matters here. */
interface ModuleGraph {
  readonly modules: readonly { readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, NpmPackage>>;
}

interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
}

/** CycloneDX's component, as far as it is used here. */
export interface Component {
  readonly type: "application" | "library" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: "SHA-256" | "SHA-512"; readonly content: string }[];
  readonly licenses?: readonly { readonly license: { readonly id: string } }[];
}

/** CycloneDX's bill of materials, as far as it is used here. */
export interface Bom {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly version: 1;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * The bill of materials of the agent at `version`: the npm packages that it reaches, with the digests
 * that the lock file holds them to, Deno's runtime with its V8, and what `image` has from Debian.
 */
export async function billOfMaterials(version: string, image: AgentImage): Promise<Bom> {
  const agent = component({
    type: "application",
    name: "kubesolo-update",
    version,
    purl: `pkg:generic/kubesolo-update@${version}`,
    license: "MIT",
  });
  const packages = await npmPackages();
  const runtimes = await denoRuntimes();
  const v8 = component({
    type: "library",
    name: "v8",
    version: Deno.version.v8,
    purl: `pkg:generic/v8@${Deno.version.v8}`,
    license: "BSD-3-Clause",
  });
  const debian = debianPackages(image);
  const ref = (found: Component) => found["bom-ref"];
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { timestamp: new Date(buildEpoch() * 1000).toISOString(), component: agent },
    components: [...packages.components, ...runtimes, v8, ...debian],
    dependencies: [
      {
        ref: ref(agent),
        dependsOn: [...packages.components, ...runtimes, ...debian].map(ref),
      },
      ...packages.dependencies,
      ...runtimes.map((runtime) => ({ ref: ref(runtime), dependsOn: [ref(v8)] })),
    ],
  };
}

/** A component that is known by its package URL. */
function component(
  { license, ...said }: Omit<Component, "bom-ref" | "licenses"> & { readonly license?: string },
): Component {
  return {
    ...said,
    "bom-ref": said.purl,
    ...license && { licenses: [{ license: { id: license } }] },
  };
}

/** The packages that `main.ts` imports, and what those depend on. */
async function npmPackages() {
  const read = async (args: string[]) =>
    JSON.parse(await runText(Deno.execPath(), ["info", "--json", ...args], { cwd: ROOT }));
  const { modules, npmPackages }: ModuleGraph = await read(["main.ts"]);
  const { npmCache }: { npmCache: string } = await read([]);
  const { npm: lock } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.lock`));

  const reached = new Set<string>();
  const open = modules.flatMap(({ npmPackage }) => npmPackage ? [npmPackage] : []);
  for (let id = open.pop(); id; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    open.push(...npmPackages[id].dependencies);
  }
  const purl = (id: string) => {
    const { name, version } = npmPackages[id];
    return `pkg:npm/${name.replace("@", "%40")}@${version}`;
  };
  const ids = [...reached].sort();
  const components = ids.map(async (id) => {
    const { name, version } = npmPackages[id];
    const { license } = JSON.parse(await manifestOf(npmCache, `${name}/${version}`));
    const content = Buffer.from(lock[id].integrity.replace("sha512-", ""), "base64");
    const hashes = [{ alg: "SHA-512" as const, content: content.toString("hex") }];
    return component({ type: "library", name, version, purl: purl(id), license, hashes });
  });
  return {
    components: await Promise.all(components),
    dependencies: ids.map((id) => ({
      ref: purl(id),
      dependsOn: npmPackages[id].dependencies.map(purl),
    })),
  };
}

/** A package's manifest in Deno's cache, which has a directory for each registry. */
async function manifestOf(cache: string, path: string): Promise<string> {
  for await (const registry of Deno.readDir(cache)) {
    try {
      return await Deno.readTextFile(`${cache}/${registry.name}/${path}/package.json`);
    } catch (error) {
      const elsewhere = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (!elsewhere) throw error;
    }
  }
  throw new Error(`${cache}: wanted the package ${path}, found none`);
}

/** One for each architecture; with its digest, unless Deno downloads it itself. */
function denoRuntimes(): Promise<Component[]> {
  return Promise.all(ARCHITECTURES.map(async (architecture) => {
    const { digest } = await findRuntime(architecture);
    const version = Deno.version.deno;
    const known = /^[0-9a-f]{64}$/.test(digest);
    return component({
      type: "platform",
      name: "denort",
      version,
      purl: `pkg:github/denoland/deno@v${version}?arch=${architecture}#denort`,
      license: "MIT",
      ...known && { hashes: [{ alg: "SHA-256", content: digest }] },
    });
  }));
}

function debianPackages({ platforms }: AgentImage): Component[] {
  return platforms.flatMap(({ descriptor, packages }) =>
    packages.map(({ name, version }) => {
      const qualifiers = `arch=${descriptor.platform?.architecture}&distro=debian`;
      const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?${qualifiers}`;
      return component({ type: "library", name, version, purl });
    })
  );
}
