import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  CredentialFile,
  OrasError,
  RegistryClient,
  type RegistryClientOptions,
  Repository,
  UPLOAD_CHUNK_BYTES,
  verified,
} from "../../mod/oras/mod.ts";
import { Authority } from "../certificates.ts";
import { run } from "../loop_disk.ts";
import { blob, bytesOf, image, noise, pushAll } from "./_artifacts.ts";
import { Registry } from "./_registry.ts";
import { skopeoCopy } from "./_skopeo.ts";

const LOGIN = { username: "jo", password: "se:cret" };

/** Whether there is IPv6 here: a machine, or a container, may do without. */
const IPV6 = (() => {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
})();

function open(
  registry: Registry,
  options: RegistryClientOptions = {},
  repository = "os/stable",
): Repository {
  const client = new RegistryClient({ plainHttp: true, ...options });
  return new Repository({ registry: registry.host, repository }, client);
}

function streamed(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Response(bytes).body!;
}

Deno.test("docker-registry takes and gives an image, and skopeo reads it", async () => {
  await using registry = await Registry.start();
  const repository = open(registry);
  const [layer, config, manifest] = image(blob(noise(100_000)));
  assertEquals(await repository.exists(layer.descriptor), false);
  await repository.push(layer.descriptor, streamed(layer.bytes));
  await repository.push(config.descriptor, config.bytes);
  await repository.push(manifest.descriptor, streamed(manifest.bytes));
  await repository.tag(manifest.descriptor, "1.2.0");
  for (const { descriptor } of [layer, config, manifest]) {
    assertEquals(await repository.exists(descriptor), true);
  }
  assertEquals(await repository.resolve("1.2.0"), manifest.descriptor);
  assertEquals(await repository.resolve(manifest.descriptor.digest), manifest.descriptor);
  for (const { descriptor, bytes } of [layer, config, manifest]) {
    const stream = verified(descriptor, await repository.fetch(descriptor));
    assertEquals(await bytesOf(stream), bytes);
  }
  const image_ = `docker://${repository.name}:1.2.0`;
  const found = JSON.parse(await run("skopeo", "inspect", "--tls-verify=false", image_));
  assertEquals(found.Digest, manifest.descriptor.digest);
  const copy = join(registry.directory, "copy");
  await skopeoCopy(image_, `oci:${copy}:1.2.0`);
  const path = join(copy, "blobs", layer.descriptor.digest.replace(":", "/"));
  assertEquals(await Deno.readFile(path), layer.bytes);
});

Deno.test("docker-registry: what skopeo pushed is read", async () => {
  await using registry = await Registry.start();
  const source = open(registry);
  const manifest = await pushAll(source, image(blob(noise(5000))));
  await source.tag(manifest.descriptor, "a");
  const target = `${registry.host}/copied/by/skopeo`;
  await skopeoCopy(`docker://${source.name}:a`, `docker://${target}:b`);
  const copied = open(registry, {}, "copied/by/skopeo");
  assertEquals(await copied.tags(), ["b"]);
  assertEquals(await copied.resolve("b"), manifest.descriptor);
});

Deno.test("docker-registry: a long stream goes up as it comes, and comes down from the middle", async () => {
  await using registry = await Registry.start();
  const repository = open(registry);
  const { descriptor, bytes } = blob(noise(2 * UPLOAD_CHUNK_BYTES + 12_345));
  await repository.push(descriptor, streamed(bytes));
  assertEquals(await repository.exists(descriptor), true);
  for (const offset of [1, UPLOAD_CHUNK_BYTES, bytes.length - 1, bytes.length]) {
    const rest = await bytesOf(await repository.fetch(descriptor, { offset }));
    assertEquals(rest.length, bytes.length - offset);
    assertEquals(rest.every((byte, i) => byte === bytes[offset + i]), true);
  }
});

Deno.test("docker-registry: a stream that is not what it should be leaves nothing", async () => {
  await using registry = await Registry.start();
  const repository = open(registry);
  for (const size of [1000, UPLOAD_CHUNK_BYTES + 1000]) {
    const { descriptor, bytes } = blob(noise(size));
    const tampered = bytes.slice();
    tampered[size - 1] ^= 1;
    const wrong = [tampered, bytes.slice(1), new Uint8Array([...bytes.subarray(0, size), 1])];
    for (const content of wrong) {
      const push = () => repository.push(descriptor, streamed(content));
      const error = await assertRejects(push, OrasError);
      assertEquals(error.code, "content");
    }
    await assertRejects(() => repository.push(descriptor, tampered), OrasError);
    assertEquals(await repository.exists(descriptor), false);
  }
});

Deno.test("docker-registry that is killed in the middle of a blob is unreachable", async () => {
  await using registry = await Registry.start();
  const repository = open(registry, { sleep: () => Promise.resolve() });
  const { descriptor, bytes } = blob(noise(32 << 20));
  await repository.push(descriptor, bytes);
  const reader = verified(descriptor, await repository.fetch(descriptor)).getReader();
  await reader.read();
  await registry.stop();
  const rest = async () => {
    while (!(await reader.read()).done);
  };
  for (const act of [rest, () => repository.fetch(descriptor), () => repository.resolve("a")]) {
    assertEquals((await assertRejects<OrasError>(act, OrasError)).code, "unreachable");
  }
});

Deno.test("docker-registry: an empty blob is content", async () => {
  await using registry = await Registry.start();
  const repository = open(registry);
  const { descriptor, bytes } = blob(new Uint8Array());
  await repository.push(descriptor, bytes);
  assertEquals((await bytesOf(await repository.fetch(descriptor))).length, 0);
});

Deno.test("docker-registry mounts from another repository what it has", async () => {
  await using registry = await Registry.start();
  const [source, target] = [open(registry), open(registry, {}, "other")];
  const { descriptor, bytes } = blob(noise(1000));
  await source.push(descriptor, bytes);
  assertEquals(await target.mount("os/stable", descriptor), true);
  assertEquals(await target.exists(descriptor), true);
  assertEquals(await target.mount("os/stable", blob(noise(9, 2)).descriptor), false);
});

Deno.test("docker-registry: tags are listed, and what is deleted is missing", async () => {
  await using registry = await Registry.start();
  const repository = open(registry);
  const pieces = image(blob(noise(1000)));
  const manifest = await pushAll(repository, pieces);
  for (const tag of ["b", "a", "c"]) await repository.tag(manifest.descriptor, tag);
  assertEquals(await repository.tags(), ["a", "b", "c"]);
  await repository.deleteManifest(manifest.descriptor.digest);
  await repository.deleteBlob(pieces[0].descriptor.digest);
  assertEquals(await repository.exists(pieces[0].descriptor), false);
  for (
    const act of [
      () => repository.resolve("a"),
      () => repository.fetch(pieces[0].descriptor),
      () => repository.fetch(manifest.descriptor),
      () => repository.deleteManifest(manifest.descriptor.digest),
      () => open(registry, {}, "absent").tags(),
    ]
  ) {
    assertEquals((await assertRejects<OrasError>(act, OrasError)).code, "missing");
  }
});

Deno.test("docker-registry has no referrers API: they are kept under a tag", async () => {
  await using registry = await Registry.start();
  const repository = open(registry);
  const subject = await pushAll(repository, image(blob(noise(1000))));
  assertEquals(await repository.referrers(subject.descriptor), []);
  const types = ["application/vnd.test.a", "application/vnd.test.b"];
  // blobs of their own: docker-registry loses one that two push at the same moment
  const pushed = await Promise.all(types.map((artifactType, n) =>
    pushAll(
      repository,
      image(blob(noise(10, 2 + n)), {
        subject: subject.descriptor,
        artifactType,
        annotations: { of: artifactType },
      }),
    )
  ));
  const found = await repository.referrers(subject.descriptor);
  assertEquals(
    found.map(({ digest }) => digest).sort(),
    pushed.map(({ descriptor }) => descriptor.digest).sort(),
  );
  const [second] = await repository.referrers(subject.descriptor, types[1]);
  assertEquals(second, {
    ...pushed[1].descriptor,
    annotations: { of: types[1] },
    artifactType: types[1],
  });
  const tag = subject.descriptor.digest.replace(":", "-");
  const raw = await run(
    "skopeo",
    ...["inspect", "--raw", "--tls-verify=false", `docker://${repository.name}:${tag}`],
  );
  assertEquals(JSON.parse(raw).manifests.length, 2);
});

Deno.test("docker-registry with passwords lets in who knows one", async () => {
  await using registry = await Registry.start({ login: LOGIN });
  const manifest = image(blob(noise(1000)));
  const refused = await assertRejects<OrasError>(() => open(registry).tags(), OrasError);
  assertEquals(refused.code, "refused");
  const credentials = (password: string) =>
    new CredentialFile(
      JSON.stringify({ auths: { [registry.host]: { auth: btoa(`jo:${password}`) } } }),
      "auth.json",
    );
  const wrong = open(registry, { credentials: credentials("wrong") });
  assertEquals((await assertRejects<OrasError>(() => wrong.tags(), OrasError)).code, "refused");
  const repository = open(registry, { credentials: credentials(LOGIN.password) });
  const { descriptor } = await pushAll(repository, manifest);
  await repository.tag(descriptor, "a");
  assertEquals(await repository.resolve("a"), descriptor);
  const creds = `--creds=${LOGIN.username}:${LOGIN.password}`;
  const image_ = `docker://${repository.name}:a`;
  await run("skopeo", "inspect", "--tls-verify=false", creds, image_);
});

Deno.test("docker-registry with a private authority is trusted where that is", async () => {
  await using registry = await Registry.start({ tls: true });
  const sleep = () => Promise.resolve();
  const stranger = open(registry, { plainHttp: false, sleep });
  const error = await assertRejects<OrasError>(() => stranger.tags(), OrasError);
  assertEquals(error.code, "untrusted");
  const ca = await Deno.readTextFile(join(registry.directory, "ca.crt"));
  using httpClient = Deno.createHttpClient({ caCerts: [ca] });
  const repository = open(registry, { plainHttp: false, httpClient });
  const manifest = await pushAll(repository, image(blob(noise(1000))));
  await repository.tag(manifest.descriptor, "a");
  assertEquals(await repository.tags(), ["a"]);
  const certificates = await Deno.makeTempDir();
  await Deno.copyFile(join(registry.directory, "ca.crt"), join(certificates, "ca.crt"));
  try {
    await run("skopeo", "inspect", `--cert-dir=${certificates}`, `docker://${repository.name}:a`);
  } finally {
    await Deno.remove(certificates, { recursive: true });
  }
});

Deno.test("docker-registry at an IPv6 address, with a certificate of the client's own", async () => {
  const directory = await Deno.makeTempDir();
  const authority = await Authority.create(directory);
  const address = IPV6 ? "[::1]" : "127.0.0.1";
  await using registry = await Registry.start({ tls: true, clients: authority, address });
  const { certificate, key } = await authority.issue("client");
  const caCerts = [await Deno.readTextFile(join(registry.directory, "ca.crt"))];
  using nobody = Deno.createHttpClient({ caCerts });
  using somebody = Deno.createHttpClient({
    caCerts,
    cert: await Deno.readTextFile(certificate),
    key: await Deno.readTextFile(key),
  });
  const sleep = () => Promise.resolve();
  const { descriptor } = blob(noise(10));
  const stranger = open(registry, { plainHttp: false, httpClient: nobody, sleep });
  // now and then the server hangs up before its alert is read
  const error = await assertRejects<OrasError>(() => stranger.fetch(descriptor), OrasError);
  assertMatch(error.code, /^(untrusted|unreachable)$/);
  const repository = open(registry, { plainHttp: false, httpClient: somebody });
  assertEquals(repository.name, `${registry.host}/os/stable`);
  const manifest = await pushAll(repository, image(blob(noise(1000))));
  await repository.tag(manifest.descriptor, "a");
  assertEquals(await repository.resolve("a"), manifest.descriptor);
  await Deno.remove(directory, { recursive: true });
});
