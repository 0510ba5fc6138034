import { assert, assertEquals, assertMatch } from "@std/assert";
import { OciSource } from "../../mod/oci/mod.ts";
import {
  copy,
  describe,
  type Descriptor,
  digestOf,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  ImageLayout,
  MemoryTarget,
  packManifest,
  parseReference,
  pushManifest,
  RegistryClient,
  Repository,
} from "../../mod/oras/mod.ts";
import { publishRelease } from "../../tasks/publish/artifact.ts";
import { pushImage, run } from "../oras/_image.ts";
import { skopeoCopy } from "../oras/_skopeo.ts";
import { bytesOf, putRelease, Served } from "./_directory.ts";

function repository({ port }: Served, name: string): Repository {
  const client = new RegistryClient({ plainHttp: true });
  return new Repository(parseReference(`127.0.0.1:${port}/${name}`), client);
}

async function ask(served: Served, path: string, headers: HeadersInit = {}, method = "GET") {
  const answer = await fetch(`${served.url}/v2/${path}`, { headers, method });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** A layout with a release, an image, and what refers to it. */
async function fill(directory: string): Promise<{ image: Descriptor; note: Descriptor }> {
  const layout = await ImageLayout.create(`${directory}/os/kubesolo`);
  const release = await Deno.makeTempDir();
  await putRelease(release, { version: "2.0.0" });
  await publishRelease(release, layout, "stable");
  await Deno.remove(release, { recursive: true });
  const { descriptor: image } = await pushImage(layout, "one");
  for (const tag of ["a", "b", "c"]) await layout.tag(image, tag);
  const note = packManifest({ artifactType: "application/vnd.example.note", subject: image });
  await pushManifest(layout, note);
  return { image, note: note.descriptor };
}

Deno.test("our own source takes a release from a layout in the directory", async () => {
  await using served = await Served.start(fill);
  const target = repository(served, "os/kubesolo");
  const source = new OciSource({
    name: target.name,
    target,
    reference: "stable",
    architecture: "x86_64",
  });
  const release = await source.latest();
  assertEquals([release.version, release.channel], ["2.0.0", "stable"]);
  for (const artifact of release.artifacts) {
    const { stream } = await source.open(artifact, 10);
    assertEquals(await new Response(stream).bytes(), bytesOf(artifact.name, "2.0.0").slice(10));
  }
});

Deno.test("manifests, blobs, tags and referrers are as the specification says", async () => {
  let content: Awaited<ReturnType<typeof fill>> | undefined;
  await using served = await Served.start(async (directory) => {
    content = await fill(directory);
  });
  assert(content);
  const { image, note } = content;
  for (const path of ["", "?x=y"]) {
    const base = await ask(served, path);
    assertEquals([base.status, base.text], [200, "{}"]);
    assertEquals(base.headers.get("docker-distribution-api-version"), "registry/2.0");
  }
  assertEquals(JSON.parse((await ask(served, "_catalog")).text), { repositories: ["os/kubesolo"] });

  const tags = async (query: string) => {
    const { status, headers, text } = await ask(served, `os/kubesolo/tags/list${query}`);
    return [status, JSON.parse(text).tags, headers.get("link")];
  };
  assertEquals(await tags(""), [200, ["a", "b", "c", "stable"], null]);
  const next = '</v2/os/kubesolo/tags/list?n=2&last=b>; rel="next"';
  assertEquals(await tags("?n=2"), [200, ["a", "b"], next]);
  assertEquals(await tags("?n=2&last=b"), [200, ["c", "stable"], null]);
  assertEquals(await tags("?n=0"), [200, [], null]);
  assertEquals((await tags("?n=x"))[0], 400);

  for (const reference of ["a", image.digest]) {
    for (const method of ["GET", "HEAD"]) {
      const got = await ask(served, `os/kubesolo/manifests/${reference}`, {}, method);
      assertEquals([got.status, got.headers.get("content-type")], [200, IMAGE_MANIFEST]);
      assertEquals(got.headers.get("docker-content-digest"), image.digest);
      assertEquals(got.headers.get("content-length"), String(image.size));
      const body = method === "GET" ? digestOf(new TextEncoder().encode(got.text)) : "";
      assertEquals(body, method === "GET" ? image.digest : "");
    }
  }
  const etag = { "if-none-match": `"${image.digest}"` };
  assertEquals((await ask(served, "os/kubesolo/manifests/a", etag)).status, 304);

  const target = repository(served, "os/kubesolo");
  const { layers: [layer] } = JSON.parse((await ask(served, "os/kubesolo/manifests/stable")).text);
  const kernel = bytesOf("vmlinuz", "2.0.0");
  assertEquals(layer.digest, digestOf(kernel));
  const range = { range: "bytes=100-199" };
  const part = await ask(served, `os/kubesolo/blobs/${layer.digest}`, range);
  assertEquals([part.status, part.text], [206, new TextDecoder().decode(kernel.slice(100, 200))]);
  assertEquals(part.headers.get("content-range"), `bytes 100-199/${kernel.length}`);
  const beyond = { range: `bytes=${kernel.length}-` };
  assertEquals((await ask(served, `os/kubesolo/blobs/${layer.digest}`, beyond)).status, 416);

  assertEquals((await target.referrers(image)).map(({ digest }) => digest), [note.digest]);
  const types: readonly [string, readonly string[]][] = [
    ["application/vnd.example.note", [note.digest]],
    ["application/vnd.example.other", []],
  ];
  for (const [type, digests] of types) {
    const path = `os/kubesolo/referrers/${image.digest}?artifactType=${type}`;
    const { status, headers, text } = await ask(served, path);
    assertEquals([status, headers.get("content-type")], [200, IMAGE_INDEX]);
    assertEquals(headers.get("oci-filters-applied"), "artifactType");
    assertEquals(JSON.parse(text).manifests.map(({ digest }: Descriptor) => digest), digests);
  }
  assertEquals((await target.referrers(note)).length, 0);
});

Deno.test("what is not there is refused in the specification's words", async () => {
  await using served = await Served.start(async (directory) => {
    await fill(directory);
    await Deno.writeTextFile(`${directory}/secret`, "secret");
  });
  const none = `sha256:${"0".repeat(64)}`;
  const cases: readonly [path: string, status: number, code: string, headers?: HeadersInit][] = [
    ["os/kubesolo/manifests/none", 404, "MANIFEST_UNKNOWN"],
    [`os/kubesolo/manifests/${none}`, 404, "MANIFEST_UNKNOWN"],
    ["os/kubesolo/manifests/sha512:abc", 400, "DIGEST_INVALID"],
    [`os/kubesolo/blobs/${none}`, 404, "BLOB_UNKNOWN"],
    ["os/kubesolo/blobs/sha256:..", 400, "DIGEST_INVALID"],
    ["os/kubesolo/blobs/sha256:..%2f..%2findex.json", 400, "NAME_INVALID"],
    ["os/kubesolo/referrers/x", 400, "DIGEST_INVALID"],
    ["os/other/tags/list", 404, "NAME_UNKNOWN"],
    ["os/kubesolo/tags/lost", 404, "UNSUPPORTED"],
    ["os/kubesolo/uploads/x", 404, "UNSUPPORTED"],
    ["OS/tags/list", 400, "NAME_INVALID"],
    ["os%2fkubesolo/manifests/a", 400, "NAME_INVALID"],
    [`${"a/".repeat(200)}tags/list`, 400, "NAME_INVALID"],
    ["os/kubesolo/manifests/a", 404, "MANIFEST_UNKNOWN", { accept: IMAGE_INDEX }],
    ["os/kubesolo/manifests/a", 404, "MANIFEST_UNKNOWN", { accept: `${IMAGE_MANIFEST};q=0` }],
  ];
  for (const [path, status, code, headers] of cases) {
    const got = await ask(served, path, headers);
    assertEquals([got.status, got.headers.get("content-type")], [status, "application/json"], path);
    const { errors } = JSON.parse(got.text);
    assertEquals([errors.length, errors[0].code, typeof errors[0].message], [1, code, "string"]);
  }
  for (const accept of ["*/*", "application/*", `text/html, ${IMAGE_MANIFEST}; q=0.5`]) {
    assertEquals((await ask(served, "os/kubesolo/manifests/a", { accept })).status, 200, accept);
  }
  for (const method of ["PUT", "POST", "PATCH", "DELETE"]) {
    const got = await ask(served, "os/kubesolo/manifests/a", {}, method);
    assertEquals([got.status, JSON.parse(got.text).errors[0].code], [405, "UNSUPPORTED"], method);
  }
});

Deno.test("skopeo and we copy from it", async () => {
  await using served = await Served.start(fill);
  const to = `${served.around}/copied`;
  const from = `docker://127.0.0.1:${served.port}/os/kubesolo:a`;
  await skopeoCopy(from, `oci:${to}:a`);
  const original = await (await ImageLayout.open(`${served.directory}/os/kubesolo`)).resolve("a");
  assertEquals((await (await ImageLayout.open(to)).resolve("a")).digest, original.digest);
  const list = await run("skopeo", "list-tags", "--tls-verify=false", from.replace(/:a$/, ""));
  assertEquals(JSON.parse(new TextDecoder().decode(list)).Tags, ["a", "b", "c", "stable"]);

  const memory = new MemoryTarget();
  await copy(repository(served, "os/kubesolo"), "a", memory, { tag: "a", referrers: true });
  assertEquals((await memory.referrers(original)).length, 1);
});

Deno.test("a tag is served when all that it leads to is there, and not before", async () => {
  await using served = await Served.start(() => Promise.resolve());
  const whole = await ImageLayout.create(`${served.around}/whole`);
  const image = await pushImage(whole, "one");
  const kinds = { mediaType: IMAGE_INDEX, manifests: [image.descriptor] };
  const index = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...kinds }));
  const described = describe(IMAGE_INDEX, index);
  await whole.push(described, index);
  await whole.tag(described, "stable");
  const blobs: string[] = [];
  for await (const { name } of Deno.readDir(`${whole.name}/blobs/sha256`)) blobs.push(name);
  assert(blobs.length >= 4, `${blobs.length}`);

  // the index first, which is the worst order; and the served directory itself is the layout
  await Deno.mkdir(`${served.directory}/blobs/sha256`, { recursive: true });
  for (const name of ["oci-layout", "index.json"]) {
    await Deno.copyFile(`${whole.name}/${name}`, `${served.directory}/${name}`);
  }
  const status = async () => {
    await served.look();
    const got = await ask(served, "os/manifests/stable");
    return got.status;
  };
  assertEquals(await status(), 404);
  for (const name of blobs) {
    const bytes = await Deno.readFile(`${whole.name}/blobs/sha256/${name}`);
    const path = `${served.directory}/blobs/sha256/${name}`;
    for (const half of [bytes.slice(0, -1), new Uint8Array(bytes.length)]) {
      await Deno.writeFile(path, half);
      assertEquals(await status(), 404);
      assertEquals((await ask(served, `os/blobs/sha256:${name}`)).status, 404);
    }
    await Deno.writeFile(path, bytes);
  }
  assertEquals(await status(), 200);
  assertEquals(await status(), 200, "read again, and the same");
  const problems = () => served.parts.catalogue.contents.repositories.get("os")?.problems;
  assertEquals(problems()?.size, 0);
  const fetched = () =>
    Promise.all(blobs.map(async (name) => (await ask(served, `os/blobs/sha256:${name}`)).status));
  const before = await fetched();
  for (const name of blobs) await Deno.utime(`${served.directory}/blobs/sha256/${name}`, 1, 1);
  assertEquals(await status(), 200);
  assertEquals(await fetched(), before, "another time, and the same bytes");
  await Deno.remove(`${served.directory}/blobs/sha256/${blobs[0]}`);
  assertEquals(await status(), 404);
  assertMatch([...problems()?.values() ?? []].join(), /sha256:[0-9a-f]{64} is not there/);
});
