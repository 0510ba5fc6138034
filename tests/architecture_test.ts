import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** What each room may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  boot: ["core"],
  slots: ["core"],
  http: ["core"],
  host: ["core"],
  metrics: ["core"],
  oras: [],
  kube: ["core"],
  trust: ["core"],
  // says what an update server answers; how servers are asked, and files fetched, is what http knows
  omaha: ["core", "http"],
  media: ["core"],
  provision: ["core"],
  // stands on another as well: it says what releases look like as OCI artifacts
  oci: ["core", "oras"],
  // the other side of what the sources ask, in one place
  serve: ["core", "http", "metrics", "omaha", "oras"],
  cli: [
    "core",
    "kube",
    "boot",
    "slots",
    "http",
    "host",
    "metrics",
    "media",
    "oci",
    "omaha",
    "oras",
    "provision",
    "serve",
    "trust",
  ],
};

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

async function modules(): Promise<readonly Module[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).modules;
}

/** The path below the root, or undefined for what is not the project's. */
function local(specifier: string | undefined): string | undefined {
  return specifier?.startsWith(ROOT.href) ? specifier.slice(ROOT.href.length) : undefined;
}

function roomOf(path: string): string | undefined {
  return /^mod\/(\w+)\//.exec(path)?.[1];
}

async function imports(): Promise<readonly (readonly [from: string, to: string])[]> {
  const all: [string, string][] = [];
  for (const { specifier, dependencies } of await modules()) {
    const from = local(specifier);
    for (const { code, type } of dependencies ?? []) {
      const to = local(code?.specifier ?? type?.specifier);
      if (from && to) all.push([from, to]);
    }
  }
  assert(all.length > 50, "deno info shows hardly any imports");
  return all;
}

Deno.test("rooms import only what lies further in", async () => {
  for (const [from, to] of await imports()) {
    const [room, other] = [roomOf(from), roomOf(to)];
    if (!room || !other || room === other) continue;
    assert(MAY_IMPORT[room]?.includes(other), `${from} imports ${to}`);
  }
});

Deno.test("from outside a room only its mod.ts is imported", async () => {
  for (const [from, to] of await imports()) {
    if (roomOf(to) === undefined || roomOf(from) === roomOf(to)) continue;
    assert(to.endsWith("/mod.ts"), `${from} imports ${to}`);
  }
});

Deno.test("main.ts imports the command line and nothing else", async () => {
  const own = (await imports()).filter(([from]) => from === "main.ts").map(([, to]) => to);
  assertEquals(own, ["mod/cli/mod.ts"]);
});

Deno.test("core knows nothing of Deno", async () => {
  for await (const { name } of Deno.readDir(new URL("mod/core/", ROOT))) {
    const text = await Deno.readTextFile(new URL(`mod/core/${name}`, ROOT));
    const code = text.replaceAll(/\/\*\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    assert(!/\bDeno\./.test(code), `mod/core/${name} uses Deno`);
  }
});

Deno.test("every room that stands alone is exported", async () => {
  const manifest = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  for (const room of Object.keys(MAY_IMPORT).filter((room) => room !== "cli")) {
    assertEquals(manifest.exports[`./${room}`], `./mod/${room}/mod.ts`);
  }
});
