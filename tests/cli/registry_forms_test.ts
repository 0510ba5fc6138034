import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  describe,
  type Descriptor,
  packManifest,
  parseReference,
  pushManifest,
  RegistryClient,
  Repository,
} from "../../mod/oras/mod.ts";
import { run } from "../oras/_image.ts";
import { Registry } from "../oras/_registry.ts";
import { imageDirectory, releaseDirectory, task } from "./_publishing.ts";
import { bytesOf, sha256, TestNode } from "./_test_node.ts";

function repositoryOf(name: string): Repository {
  return new Repository(parseReference(name), new RegistryClient({ plainHttp: true }));
}

function ask(node: TestNode, command: string, repository: string, ...more: string[]) {
  return node.update(command, "--registry", repository, "--plain-http", ...more);
}

Deno.test("a release goes as a container image through skopeo and its conversions", async () => {
  await using registry = await Registry.start();
  await using node = await TestNode.create();
  const original = `${registry.host}/site/os`;
  const copies = [
    ["as it is", []],
    ["docker", ["--format", "v2s2"]],
    ["zstd", ["--format", "oci", "--dest-compress-format", "zstd"]],
    // hundreds of frames, and such as hold nothing
    ["chunked", ["--format", "oci", "--dest-compress-format", "zstd:chunked"]],
  ] as const;
  for (const [at, [what, options]] of copies.entries()) {
    const version = `${at + 2}.0.0`;
    const release = await releaseDirectory(node, version);
    const args = ["--release", release, "--to", `${original}:stable`, "--plain-http"];
    const { stdout, stderr } = await task("publish", [...args, "--as-image", "--json"]);
    assertEquals(JSON.parse(stdout).layers.map(({ name }: { name: string }) => name), [
      "kubesolo-os.gz",
      "vmlinuz",
    ]);
    assertEquals(stderr.includes("\x1b"), false, "no colours where nobody sees them");

    const copy = at === 0 ? original : `${registry.host}/${what}/os`;
    if (copy !== original) {
      const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
      const ends = [`docker://${original}:stable`, `docker://${copy}:stable`];
      await run("skopeo", "--insecure-policy", "copy", "-q", ...insecure, ...options, ...ends);
      const raw = await run(
        ...["skopeo", "inspect", "--raw", "--tls-verify=false", `docker://${copy}:stable`] as const,
      );
      const types = new TextDecoder().decode(raw).matchAll(/"mediaType": ?"([^"]+)"/g);
      assertMatch(
        [...types].map(([, type]) => type).join(),
        what === "docker"
          ? /docker.distribution.manifest.v2.*docker.image.rootfs.diff.tar.gzip/
          : /oci.image.layer.v1.tar\+zstd/,
      );
    }

    const there = await ask(node, "check", copy, "--json");
    assertEquals(there.code, 10, there.stderr);
    const { version: offered, size } = JSON.parse(there.stdout);
    assertEquals([offered, size], [version, 2_300_000]);
    const applied = await ask(node, "apply", copy);
    assertEquals(applied.code, 0, `${what}: ${applied.stderr}`);
    assertEquals(await node.slot("B"), version, what);
  }

  // an index takes what has no annotations by what its configuration says
  const docker = `${registry.host}/docker/os`;
  await task("publish_index", ["--manifest", "stable", "--to", `${docker}:all`, "--plain-http"]);
  const chosen = await ask(node, "check", docker, "--tag", "all", "--json");
  assertEquals(JSON.parse(chosen.stdout).version, "3.0.0", chosen.stderr);
});

Deno.test("a partition image goes in zstd into the slot, and a damaged one does not", async () => {
  await using registry = await Registry.start();
  await using node = await TestNode.create();
  const repository = `${registry.host}/site/os`;
  const image = bytesOf("image 2.0.0", 12 << 20);
  // half of it is empty, as of a file system
  image.fill(0, 6 << 20);
  const release = await imageDirectory(node, "2.0.0", image);
  const to = ["--to", `${repository}:stable`, "--plain-http"];
  const { stdout, stderr } = await task("publish", [
    "--release",
    release,
    "--zstd",
    "--json",
    ...to,
  ]);
  const { layers: [layer] } = JSON.parse(stdout);
  assertEquals(layer.mediaType, "application/vnd.kubesolo.os.slot.v1+zstd");
  assertEquals(layer.annotations["io.kubesolo.os.image.sha256"], sha256(image));
  assertMatch(stderr, /^image {2}.* sent, compressed to \d+ % of 12 MiB\n$/);

  const there = await ask(node, "check", repository, "--json");
  assertEquals(JSON.parse(there.stdout).size, image.length, there.stderr);
  const applied = await ask(node, "apply", repository);
  assertEquals(applied.code, 0, applied.stderr);
  using device = await Deno.open(node.disk.of("KSOLOB"));
  const found = new Uint8Array(image.length);
  for (let read = 0; read < found.length;) read += await device.read(found.subarray(read)) ?? 1e9;
  assertEquals(sha256(found), sha256(image));

  // another release, of damaged bytes
  const target = repositoryOf(repository);
  const packed = await run("zstd", "-q", "-c", `${release}/slot.img`);
  packed.fill(0xff, packed.length / 3, packed.length / 2);
  const annotations = { ...layer.annotations, "io.kubesolo.os.image.sha256": "1".repeat(64) };
  const bad = { ...describe(layer.mediaType, packed), annotations };
  await target.push(bad, packed);
  const manifest = packManifest({
    artifactType: "application/vnd.kubesolo.os.release.v1",
    layers: [bad],
    annotations: { "io.kubesolo.os.version": "2.0.1" },
  });
  await pushManifest(target, manifest);
  await target.tag(manifest.descriptor, "damaged");
  const refused = await ask(node, "apply", repository, "--tag", "damaged");
  assertEquals(refused.code, 30, refused.stderr);
  assertStringIncludes(refused.stderr, "unpacking zstd");
  assertEquals(refused.stderr.includes("trying again"), false, refused.stderr);
  assertEquals(await node.slot("A"), "1.0.0");
});

Deno.test("a connection that breaks in a compressed layer is taken up by Range", async () => {
  await using registry = await Registry.start();
  await using node = await TestNode.create();
  const image = bytesOf("image 2.0.0", 12 << 20);
  const random = new Uint8Array(3 << 20);
  for (let at = 0; at < random.length; at += 65536) {
    crypto.getRandomValues(random.subarray(at, at + 65536));
  }
  image.set(random);
  const release = await imageDirectory(node, "2.0.0", image);
  const to = ["--to", `${registry.host}/site/os:stable`, "--plain-http"];
  await task("publish", ["--release", release, "--zstd", ...to]);

  await using line = new BreakingLine(registry.host, 2 << 20);
  const applied = await ask(node, "apply", `${line.host}/site/os`);
  assertEquals(applied.code, 0, applied.stderr);
  assertEquals(applied.stderr.match(/trying again/g)?.length, 1, applied.stderr);
  assertEquals(line.ranges.length, 1);
  const [, from] = /^bytes=(\d+)-$/.exec(line.ranges[0]) ?? [];
  assertEquals(Number(from) > 1 << 20 && Number(from) <= 2 << 20, true, line.ranges[0]);
});

/** A line to a server that breaks once, after so many bytes of an answer. */
class BreakingLine implements AsyncDisposable {
  readonly host: string;
  /** The ranges that were asked for. */
  readonly ranges: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(behind: string, after: number) {
    let broken = false;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        const range = request.headers.get("range");
        if (range) this.ranges.push(range);
        const { method, headers } = request;
        const answer = await fetch(`http://${behind}${pathname}`, { method, headers });
        if (broken || !answer.body || Number(answer.headers.get("content-length")) <= after) {
          return answer;
        }
        broken = true;
        let left = after;
        const cut = new TransformStream<Uint8Array, Uint8Array>({
          transform(bytes, controller) {
            if (left > 0) controller.enqueue(bytes.slice(0, left));
            left -= bytes.length;
            if (left <= 0) controller.error(new Error("the line broke"));
          },
        });
        return new Response(answer.body.pipeThrough(cut), answer);
      },
    );
    this.host = `127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("what oras push makes of the files is taken", async () => {
  await using registry = await Registry.start();
  await using node = await TestNode.create();
  const repository = `${registry.host}/site/os`;
  const target = repositoryOf(repository);
  // oras push before 1.2 and since, without --artifact-type, and with it
  const empty = new TextEncoder().encode("{}");
  const forms = [
    { config: describe("application/vnd.unknown.config.v1+json", empty) },
    { artifactType: "application/vnd.unknown.artifact.v1" },
    { artifactType: "application/vnd.example.os" },
  ];
  for (const [at, form] of forms.entries()) {
    const version = `${at + 2}.0.0`;
    const release = await releaseDirectory(node, version);
    const layers: Descriptor[] = [];
    for (
      const [name, type] of [
        ["vmlinuz", "application/vnd.kubesolo.os.kernel.v1+octet-stream"],
        ["kubesolo-os.gz", "application/vnd.kubesolo.os.initramfs.v1+gzip"],
        ["notes.txt", "text/plain"],
      ]
    ) {
      const bytes = name === "notes.txt"
        ? new TextEncoder().encode("hello")
        : await Deno.readFile(`${release}/${name}`);
      const annotations = { "org.opencontainers.image.title": name };
      layers.push({ ...describe(type, bytes), annotations });
      await target.push(layers[layers.length - 1], bytes);
    }
    if (form.config) await target.push(form.config, empty);
    const manifest = packManifest({
      ...form,
      layers,
      annotations: {
        "io.kubesolo.os.version": version,
        "io.kubesolo.os.architecture": "amd64",
        "org.opencontainers.image.created": "2026-01-01T00:00:00Z",
      },
    });
    await pushManifest(target, manifest);
    await target.tag(manifest.descriptor, "stable");
    const applied = await ask(node, "apply", repository);
    assertEquals(applied.code, 0, applied.stderr);
    assertEquals(await node.slot("B"), version);
  }
});
