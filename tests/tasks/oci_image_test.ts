import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Buffer } from "node:buffer";
import { dirname } from "@std/path";
import { SIGNATURE_TYPE } from "@kubesolo/update/oci";
import {
  type Descriptor,
  ImageLayout,
  type ImageManifest,
  parseManifest,
  readAll,
  writeTarLayout,
} from "@kubesolo/update/oras";
import { ensureInstalled, fileOf } from "../../tasks/debian.ts";
import { DebianArchive } from "../../tasks/debian_archive.ts";
import { sha256OfFile } from "../../tasks/digest.ts";
import { cacheDirectory } from "../../tasks/lock.ts";
import { neededLibraries } from "../../tasks/needed_libraries.ts";
import { buildAgentImage } from "../../tasks/oci_image/agent_image.ts";
import { packTar } from "../../tasks/oci_image/tar.ts";
import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { treeEntries } from "../../tasks/tree.ts";
import { TestNode } from "../cli/_test_node.ts";
import { inScratch } from "../in_scratch.ts";
import { withMountLock } from "../mount_lock.ts";
import { Registry } from "../oras/_registry.ts";
import { makeNamespace } from "../sandbox.ts";
import { Containerd } from "./_containerd.ts";
import { deno, type Ended } from "./_process.ts";

const { version: TAG }: { version: string } = JSON.parse(
  await Deno.readTextFile(`${ROOT}/deno.json`),
);
const AGENT = "/usr/bin/kubesolo-update";

await ensureInstalled(
  "qemu-aarch64-static",
  fileOf("skopeo", "/usr/bin/skopeo"),
  fileOf("docker-registry", "/usr/bin/docker-registry"),
  fileOf("containerd", "/usr/bin/containerd"),
);

/** What the task prints with --json. */
interface Report {
  readonly digest: string;
  readonly destinations: readonly string[];
  readonly platforms: readonly {
    readonly platform: string;
    readonly digest: string;
    readonly layers: readonly { readonly name: string; readonly digest: string }[];
  }[];
}

/** One run of the task for all tests, into a layout and a registry at once. */
let scratch: string;
let layout: string;
let registry: Registry;
let report: Report;

Deno.test.beforeAll(async () => {
  scratch = await Deno.makeTempDir({ prefix: "oci-image-test-" });
  layout = `${scratch}/layout`;
  registry = await Registry.start();
  const to = [`oci:${layout}:${TAG}`, `${registry.host}/kubesolo/update:${TAG}`];
  await runText("openssl", ["genpkey", "-algorithm", "ed25519", "-out", `${scratch}/key`]);
  const ended = await task(
    ...to.flatMap((name) => ["--to", name]),
    ...["--sign-key", `${scratch}/key`, "--plain-http", "--json"],
  );
  assert(ended.success, ended.stderr);
  report = JSON.parse(ended.stdout);
  assertEquals(report.destinations, to);
});

Deno.test.afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await Deno.remove(scratch, { recursive: true });
});

function task(...args: readonly string[]): Promise<Ended> {
  const cache = { XDG_CACHE_HOME: dirname(cacheDirectory()) }; // packages and layers may be there
  return deno(scratch, ["run", "-A", "tasks/oci_image.ts", ...args], cache);
}

function skopeo(...args: readonly string[]): Promise<string> {
  return runText("skopeo", ["--insecure-policy", ...args]);
}

Deno.test("the index is signed, and openssl says that the signature is good", async () => {
  const image = await ImageLayout.open(layout);
  const index = await image.resolve(TAG);
  const [signature] = await image.referrers(index, SIGNATURE_TYPE);
  const bytesOf = async (target: Descriptor) =>
    await readAll(target, await image.fetch(target), 1 << 20);
  const { layers: [layer] } = parseManifest(signature, await bytesOf(signature)) as ImageManifest;
  const text = new TextDecoder().decode(await bytesOf(layer));
  await Deno.writeFile(`${scratch}/index.sig`, Buffer.from(text, "base64"));
  await Deno.writeFile(`${scratch}/index`, await bytesOf(index));
  const verify = ["pkeyutl", "-verify", "-rawin", "-inkey", `${scratch}/key`];
  await runText("openssl", [
    ...verify,
    "-in",
    `${scratch}/index`,
    "-sigfile",
    `${scratch}/index.sig`,
  ]);
});

/** Unpacks the image of a platform with tar(1), as a container engine would. */
async function unpack(platform: string): Promise<string> {
  const found = report.platforms.find((one) => one.platform === platform);
  assert(found, `no ${platform}`);
  const root = `${scratch}/${platform.replace("/", "-")}`;
  await Deno.mkdir(root);
  for (const { digest } of found.layers) {
    await runText("tar", ["-xzf", `${layout}/blobs/${digest.replace(":", "/")}`, "-C", root]);
  }
  return root;
}

Deno.test("the image is in the layout and in the registry, and skopeo takes it there and back", async () => {
  const remote = `docker://${registry.host}/kubesolo/update`;
  const back = `oci:${scratch}/back:${TAG}`;
  await skopeo("copy", "--all", "--src-tls-verify=false", `${remote}:${TAG}`, back);
  const there = ["copy", "--all", "--preserve-digests", "--dest-tls-verify=false"];
  await skopeo(...there, `oci:${layout}:${TAG}`, `${remote}:again`);
  const indexes = await Promise.all([
    skopeo("inspect", "--raw", `oci:${layout}:${TAG}`),
    skopeo("inspect", "--raw", back),
    skopeo("inspect", "--raw", "--tls-verify=false", `${remote}:${TAG}`),
    skopeo("inspect", "--raw", "--tls-verify=false", `${remote}:again`),
  ]);
  assertEquals(new Set(indexes).size, 1);
  const { manifests } = JSON.parse(indexes[0]);
  assertEquals(
    manifests.map(({ platform, digest }: Record<string, unknown>) => ({ platform, digest })),
    [
      { platform: { architecture: "amd64", os: "linux" }, digest: report.platforms[0].digest },
      { platform: { architecture: "arm64", os: "linux" }, digest: report.platforms[1].digest },
    ],
  );
  const { architecture, created, config } = JSON.parse(
    await skopeo("inspect", "--config", "--override-arch=arm64", `oci:${layout}:${TAG}`),
  );
  assertEquals(
    [architecture, created, config.User, config.Entrypoint],
    ["arm64", "2023-11-14T22:13:20Z", "0", [AGENT]],
  );
  assertEquals(config.Labels["org.opencontainers.image.version"], TAG);
});

Deno.test("the same inputs are the same image, but for the revision that it is told", async () => {
  const { content, platforms: [again] } = await buildAgentImage(["x86_64"], "0123abc");
  const [first] = report.platforms;
  assertEquals(
    again.layers.map(({ descriptor }) => descriptor.digest),
    first.layers.map(({ digest }) => digest),
  );
  const manifest = await readAll(again.descriptor, await content.fetch(again.descriptor), 1 << 20);
  const revision = ',"org.opencontainers.image.revision":"0123abc"';
  const text = new TextDecoder().decode(manifest);
  assertStringIncludes(text, revision);
  const withoutConfig = (json: string) => ({ ...JSON.parse(json), config: undefined });
  const raw = await Deno.readTextFile(`${layout}/blobs/${first.digest.replace(":", "/")}`);
  assertEquals(withoutConfig(text.replace(revision, "")), withoutConfig(raw));
});

Deno.test("in the image's root alone, the agent updates a real disk, and nothing is there twice", async () => {
  const root = await unpack("linux/amd64");
  const programs = await Array.fromAsync(Deno.readDir(`${root}/usr/bin`), ({ name }) => name);
  assertEquals(programs.sort(), ["busybox", "kubesolo-update", "mount", "umount"]);
  const files = (await treeEntries(root)).filter(({ kind }) => kind === "file");
  const digests = await Promise.all(files.map(({ path }) => sha256OfFile(`${root}/${path}`)));
  assertEquals(new Set(digests).size, files.length);

  await using node = await TestNode.create();
  // what a pod mounts; the node's tree is in a namespace of its own, and so is this
  await node.sandbox.sh(`
    for part in dev proc run var/lib/kubesolo; do mount --rbind /$part ${root}/$part; done`);
  const agent = (...args: readonly string[]) =>
    node.sandbox.run("env", "-i", "/usr/sbin/chroot", root, AGENT, ...args);
  await node.publish({ version: "2.0.0" });
  const applied = await agent("apply", "--server", node.url);
  assertEquals(applied.code, 0, applied.stderr);
  assertEquals([await node.slot("B"), (await node.state()).phase], ["2.0.0", "staged"]);
  await node.sandbox.sh("mkdir /run/kubesolo-update/requests");
  const activated = await agent("activate", "--reboot");
  assertEquals(activated.code, 0, activated.stderr);
  assertEquals((await node.sandbox.sh("ls /run/kubesolo-update/requests")).trim(), "reboot");
  assertEquals(await node.grubenv(), ["B/3/0", "B/3/0"]);
  const status = await agent("status", "--json");
  assertEquals(JSON.parse(status.stdout).slots.B.version, "2.0.0", status.stderr);
  assertEquals(await node.mounts(), []);
});

Deno.test("the agent for arm64 starts in its image's root, and so does mount", async () => {
  const root = await unpack("linux/arm64");
  const setup = `
    touch "$1/qemu"
    mount --bind /usr/bin/qemu-aarch64-static "$1/qemu"
    mount --bind /proc "$1/proc"
    echo ready
    exec cat`;
  const keeper = await makeNamespace(setup, root);
  try {
    const mounts = `--mount=/proc/${keeper.pid}/ns/mnt`;
    const inside = (...command: readonly string[]) =>
      runText("nsenter", [mounts, "--", "chroot", root, "/qemu", ...command]);
    assertEquals(`${await inside(AGENT, "--version")}`.trim(), TAG);
    assertStringIncludes(await inside("/bin/mount"), " /proc ");
  } finally {
    await keeper.stdin.close();
    await keeper.status;
  }
});

Deno.test("containerd imports the image for both platforms, and runs it", async () => {
  await writeTarLayout(await ImageLayout.open(layout), `${scratch}/image.tar`);
  await using containerd = await Containerd.start();
  const name = `kubesolo-update:${TAG}`;
  const from = ["--base-name", "kubesolo-update", "--all-platforms", `${scratch}/image.tar`];
  await containerd.ctr("images", "import", ...from);
  const listed = await containerd.ctr("images", "ls", `name==${name}`);
  assertStringIncludes(listed.stdout, report.digest);
  assertStringIncludes(listed.stdout, "linux/amd64,linux/arm64");

  // each container begins as a copy of all mounts
  const run = (...args: readonly string[]) => withMountLock(() => containerd.ctr("run", ...args));
  const entry = await run("--rm", "--read-only", name, "one");
  assertStringIncludes(entry.stderr, "Usage: kubesolo-update");
  // a container that may mount nothing, and has been given no view of the node
  const status = await run("--rm", name, "two", AGENT, "status");
  assertEquals(status.code, 50);
  assertStringIncludes(status.stderr, "have the init, unit or pod bind-mount the three there");
});

Deno.test("the task says what is wrong before it builds anything", async () => {
  const cases: readonly [args: readonly string[], said: string][] = [
    [[], "wanted --to"],
    [["--to", `oci:${scratch}/other`], "wanted a tag at the end, such as :0.1.0"],
    [["--to", `oci:${scratch}/other:1`, "--target", "riscv64"], "wanted x86_64, aarch64 or all"],
  ];
  for (const [args, said] of cases) {
    const { success, stderr } = await task(...args);
    assertEquals(success, false);
    assertStringIncludes(stderr, said);
    assert(!stderr.includes("packing"), stderr);
  }
});

Deno.test("DebianArchive passes on what apt-get says of a package that there is not", async () => {
  await inScratch(async (target) => {
    const debian = await DebianArchive.open();
    const unpacking = debian.unpack("arm64", ["no-such-package"], target);
    await assertRejects(() => unpacking, Error, "Unable to locate package no-such-package");
  });
});

Deno.test("neededLibraries() names the library that is not there", async () => {
  await inScratch(async (directory) => {
    const looking = () => neededLibraries(Deno.execPath(), [directory]);
    await assertRejects(looking, Error, `wanted the library`);
  });
});

Deno.test("packTar() refuses a path that the format has no room for", () => {
  const path = "d/".repeat(50) + "x";
  const packing = () => packTar([{ kind: "directory", path }], 0);
  assertThrows(packing, Error, "wanted paths of 100 bytes");
});
