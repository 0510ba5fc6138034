import { generateKeyPairSync, sign } from "node:crypto";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Trust, UpdateError } from "../../mod/core/mod.ts";
import {
  COSIGN_ANNOTATION,
  COSIGN_PAYLOAD_TYPE,
  MAX_SIGNATURE_MANIFESTS,
  OciSource,
  ROOT_TYPE,
  SIGNATURE_TYPE,
} from "../../mod/oci/mod.ts";
import {
  describe,
  type Descriptor,
  ImageLayout,
  MemoryTarget,
  packIndex,
  packManifest,
  pushManifest,
  readAll,
  type ReadOnlyTarget,
  RegistryClient,
  Repository,
  type Target,
} from "../../mod/oras/mod.ts";
import {
  KeyTrust,
  parsePublicKeys,
  parseRoot,
  PrivateKey,
  RootTrust,
  signFile,
} from "../../mod/trust/mod.ts";
import { TokenRegistry } from "../oras/_token_registry.ts";
import { signManifest } from "../../tasks/publish/sign.ts";

const KEY = PrivateKey.generate();
const OTHER = PrivateKey.generate();
const TRUST = new KeyTrust([KEY.publicKey]);

const TYPES = [
  "application/vnd.kubesolo.os.kernel.v1+octet-stream",
  "application/vnd.kubesolo.os.initramfs.v1+gzip",
];

async function push(target: Target, type: string, text: string | Uint8Array<ArrayBuffer>) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const descriptor = describe(type, bytes);
  await target.push(descriptor, bytes);
  return descriptor;
}

async function publish(
  target: Target,
  version: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const type of TYPES) layers.push(await push(target, type, `${version} ${type}`));
  const packed = packManifest({
    artifactType: "application/vnd.kubesolo.os.release.v1",
    layers,
    annotations: { "io.kubesolo.os.version": version, ...annotations },
  });
  await pushManifest(target, packed);
  await target.tag(packed.descriptor, version);
  return packed.descriptor;
}

function latest(target: ReadOnlyTarget, reference: string, trust: Trust = TRUST) {
  return new OciSource({ name: "memory/os", target, reference, architecture: "x86_64", trust })
    .latest();
}

async function refusal(target: ReadOnlyTarget, reference: string, trust?: Trust): Promise<string> {
  const error = await assertRejects(() => latest(target, reference, trust), UpdateError);
  assertEquals(error.code, "verification", error.message);
  return error.message;
}

/** What cosign puts beside a manifest. */
async function cosign(
  target: Target,
  subject: Descriptor,
  signatures: readonly string[],
  payload: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const layer = await push(target, COSIGN_PAYLOAD_TYPE, payload);
  const layers = signatures.map((text) => ({
    ...layer,
    annotations: { [COSIGN_ANNOTATION]: text },
  }));
  const config = await push(target, "application/vnd.oci.image.config.v1+json", "{}");
  const packed = packManifest({ config, layers });
  await pushManifest(target, packed);
  await target.tag(packed.descriptor, `${subject.digest.replace(":", "-")}.sig`);
}

function payloadOf(digest: string, type = "cosign container image signature") {
  const critical = {
    identity: { "docker-reference": "registry.lan/os/kubesolo" },
    image: { "docker-manifest-digest": digest },
    type,
  };
  return new TextEncoder().encode(JSON.stringify({ critical, optional: null }));
}

Deno.test("a release is taken whose manifest is signed, in memory and from a layout, and says by whom", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (const target of [new MemoryTarget(), await ImageLayout.create(directory)]) {
      const manifest = await publish(target, "2.0.0");
      assertStringIncludes(
        await refusal(target, "2.0.0"),
        `none at what refers to ${manifest.digest}`,
      );
      await signManifest(target, manifest, OTHER);
      assertStringIncludes(
        await refusal(target, "2.0.0"),
        "one of another key, or over other bytes",
      );
      await signManifest(target, manifest, KEY);
      const { version, signedBy } = await latest(target, "2.0.0");
      assertEquals([version, signedBy], ["2.0.0", [KEY.publicKey.id]]);
      assertEquals((await latest(target, manifest.digest)).version, "2.0.0");
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("signatures are found in registries with the referrers API, and in those without", async () => {
  for (const referrers of [true, false]) {
    await using registry = new TokenRegistry({ referrers, page: 2 });
    const client = new RegistryClient({ plainHttp: true });
    const target = new Repository({ registry: registry.host, repository: "os" }, client);
    const manifest = await publish(target, "2.0.0");
    for (const key of [OTHER, PrivateKey.generate(), KEY]) {
      await signManifest(target, manifest, key);
    }
    assertEquals((await latest(target, "2.0.0")).signedBy, [KEY.publicKey.id]);
    const tags = [...registry.tags.keys()].filter((name) => name.startsWith("os:sha256-"));
    assertEquals(tags.length, referrers ? 0 : 1);
  }
});

Deno.test("without a key nobody asks for signatures", async () => {
  const target = new MemoryTarget();
  await publish(target, "2.0.0");
  const source = new OciSource({
    name: "memory/os",
    target: { ...only(target), referrers: () => Promise.reject(new Error("asked")) },
    reference: "2.0.0",
    architecture: "x86_64",
  });
  assertEquals((await source.latest()).signedBy, undefined);
});

function only(target: MemoryTarget): ReadOnlyTarget {
  return {
    resolve: (reference) => target.resolve(reference),
    fetch: (wanted, options) => target.fetch(wanted, options),
    referrers: (subject, type) => target.referrers(subject, type),
  };
}

Deno.test("an index that is signed vouches for what it lists, and one that is not says nothing", async () => {
  const target = new MemoryTarget();
  const manifest = await publish(target, "2.0.0");
  const platform = { architecture: "amd64", os: "linux" };
  const packed = packIndex({ manifests: [{ ...manifest, platform }] });
  await pushManifest(target, packed);
  await target.tag(packed.descriptor, "stable");
  await refusal(target, "stable");
  await signManifest(target, manifest, KEY);
  const alone = await latest(target, "stable");
  assertEquals([alone.signedBy, alone.architecture], [[KEY.publicKey.id], undefined]);

  const second = new MemoryTarget();
  const listed = await publish(second, "2.0.0");
  const index = packIndex({ manifests: [{ ...listed, platform }] });
  await pushManifest(second, index);
  await second.tag(index.descriptor, "stable");
  await signManifest(second, index.descriptor, KEY);
  const whole = await latest(second, "stable");
  assertEquals([whole.signedBy, whole.architecture], [[KEY.publicKey.id], "x86_64"]);
});

Deno.test("each stepping stone has to be signed", async () => {
  const target = new MemoryTarget();
  const stone = await publish(target, "2.0.0");
  const newest = await publish(target, "3.0.0", { "io.kubesolo.os.stepping_stones": "2.0.0" });
  await signManifest(target, newest, KEY);
  const source = new OciSource({
    name: "memory/os",
    target,
    reference: "3.0.0",
    architecture: "x86_64",
    trust: TRUST,
  });
  await source.latest();
  await assertRejects(() => source.steppingStones(), UpdateError, "stepping stone 2.0.0");
  await signManifest(target, stone, KEY);
  assertEquals((await source.steppingStones()).map(({ signedBy }) => signedBy), [
    [KEY.publicKey.id],
  ]);
});

Deno.test("no bit of a manifest or of its signature may be another", async () => {
  const target = new MemoryTarget();
  const manifest = await publish(target, "2.0.0");
  const bytes = await readAll(manifest, await target.fetch(manifest), 1 << 20);
  const signature = signFile(KEY, bytes, "base64");
  /** A registry that has put all digests right again. */
  const forged = async (manifest: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>) => {
    const registry = new MemoryTarget();
    await pushManifestBytes(registry, manifest, "stable");
    const subject = describe("application/vnd.oci.image.manifest.v1+json", manifest);
    const layer = await push(registry, SIGNATURE_TYPE, signature);
    const { mediaType, digest, size } = subject;
    await pushManifest(
      registry,
      packManifest({
        artifactType: SIGNATURE_TYPE,
        layers: [layer],
        subject: { mediaType, digest, size },
      }),
    );
    return registry;
  };
  assertEquals((await latest(await forged(bytes, signature), "stable")).version, "2.0.0");
  for (const [original, other] of [[bytes, signature], [signature, bytes]] as const) {
    for (let bit = 0; bit < original.length * 8; bit++) {
      const flipped = original.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      const [manifest, sig] = original === bytes ? [flipped, other] : [other, flipped];
      try {
        await latest(await forged(manifest, sig), "stable");
      } catch (error) {
        assert(error instanceof UpdateError && error.code === "verification", `${error}`);
        continue;
      }
      throw new Error(`bit ${bit} of ${original === bytes ? "manifest" : "signature"} was flipped`);
    }
  }
});

async function pushManifestBytes(
  target: Target,
  bytes: Uint8Array<ArrayBuffer>,
  tag: string,
): Promise<void> {
  const descriptor = describe("application/vnd.oci.image.manifest.v1+json", bytes);
  // a flipped bit may make it no manifest at all; the registry takes it nevertheless
  await target.push(descriptor, bytes);
  await target.tag(descriptor, tag);
}

Deno.test("a signature of another manifest, or of a smaller one that lists it, does not do", async () => {
  const target = new MemoryTarget();
  const [old, evil] = [await publish(target, "2.0.0"), await publish(target, "3.0.0")];
  const bytes = await readAll(old, await target.fetch(old), 1 << 20);
  const layer = await push(target, SIGNATURE_TYPE, signFile(KEY, bytes, "base64"));
  const subject = { mediaType: evil.mediaType, digest: evil.digest, size: evil.size };
  const packed = packManifest({ artifactType: SIGNATURE_TYPE, layers: [layer], subject });
  await pushManifest(target, packed);
  assertStringIncludes(await refusal(target, "3.0.0"), "over other bytes");
});

Deno.test("a registry that lists what refers to something else gains nothing", async () => {
  const target = new MemoryTarget();
  const [signed, evil] = [await publish(target, "2.0.0"), await publish(target, "3.0.0")];
  const signature = await signManifest(target, signed, KEY);
  const lying = { ...only(target), referrers: () => Promise.resolve([signature]) };
  assertStringIncludes(await refusal(lying, "3.0.0"), `what refers to ${evil.digest}`);
});

Deno.test("what is broken or too large counts as absent, and spoils nothing", async () => {
  const target = new MemoryTarget();
  const manifest = await publish(target, "2.0.0");
  const subject = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size };
  const refer = async (bytes: Uint8Array<ArrayBuffer>) => {
    const layer = await push(target, SIGNATURE_TYPE, bytes);
    const packed = packManifest({ artifactType: SIGNATURE_TYPE, layers: [layer], subject });
    await pushManifest(target, packed);
  };
  await refer(new Uint8Array(1 << 20));
  await refer(new TextEncoder().encode("no signature\n"));
  await pushManifest(target, packManifest({ artifactType: SIGNATURE_TYPE, subject }));
  await refusal(target, "2.0.0");
  await signManifest(target, manifest, KEY);
  assertEquals((await latest(target, "2.0.0")).version, "2.0.0");
});

Deno.test("no more than so many manifests of signatures are fetched", async () => {
  const target = new MemoryTarget();
  const manifest = await publish(target, "2.0.0");
  for (let each = 0; each < MAX_SIGNATURE_MANIFESTS * 2; each++) {
    await signManifest(target, manifest, PrivateKey.generate());
  }
  const fetched: string[] = [];
  const counting: ReadOnlyTarget = {
    ...only(target),
    fetch: (wanted, options) => {
      fetched.push(wanted.mediaType);
      return target.fetch(wanted, options);
    },
  };
  await refusal(counting, "2.0.0");
  assertEquals(fetched.length, 1 + 2 * MAX_SIGNATURE_MANIFESTS);
});

Deno.test("a manifest that names a member twice is refused, signed or not", async () => {
  const target = new MemoryTarget();
  const manifest = await publish(target, "2.0.0");
  const text = new TextDecoder().decode(
    await readAll(manifest, await target.fetch(manifest), 1 << 20),
  );
  const twice = text.replace(/\}$/, ',"annotations":{"io.kubesolo.os.version":"9.9.9"}}');
  const bytes = new TextEncoder().encode(twice);
  await pushManifestBytes(target, bytes, "twice");
  await signManifest(target, describe(manifest.mediaType, bytes), KEY);
  assertStringIncludes(await refusal(target, "twice"), "twice in one object");
});

Deno.test("cosign's signatures count where what they sign names this manifest", async () => {
  const target = new MemoryTarget();
  const manifest = await publish(target, "2.0.0");
  const other = await publish(target, "3.0.0");
  const sign = (payload: Uint8Array, key = KEY) => key.sign(payload).toBase64();

  const payload = payloadOf(manifest.digest);
  await cosign(target, manifest, [sign(payload, OTHER)], payload);
  assertStringIncludes(await refusal(target, "2.0.0"), "one of another key");
  await cosign(target, manifest, [sign(payload, OTHER), sign(payload)], payload);
  assertEquals((await latest(target, "2.0.0")).signedBy, [KEY.publicKey.id]);
  const both = new KeyTrust([KEY.publicKey, OTHER.publicKey], 2);
  assertEquals((await latest(target, "2.0.0", both)).signedBy?.length, 2);

  await cosign(target, other, [sign(payload)], payload);
  assertStringIncludes(await refusal(target, "3.0.0"), `where ${other.digest} was wanted`);
  const words = new TextDecoder().decode(payloadOf(other.digest));
  const wrong = [
    payloadOf(other.digest, "another type"),
    new TextEncoder().encode("null"),
    new TextEncoder().encode(other.digest),
    new TextEncoder().encode(words.replace('"critical"', '"critical":{},"critical"')),
  ];
  for (const payload of wrong) {
    await cosign(target, other, [sign(payload)], payload);
    await refusal(target, "3.0.0");
  }
  await cosign(
    target,
    other,
    ["", "no base64", `${sign(payloadOf(other.digest))}=`],
    payloadOf(other.digest),
  );
  await refusal(target, "3.0.0");
});

Deno.test("a P-256 key as cosign makes it signs as well, and no bit of its signature may be another", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = publicKey.export({ format: "pem", type: "spki" }) as string;
  const trust = new KeyTrust(parsePublicKeys(pem));
  const { digest } = await publish(new MemoryTarget(), "2.0.0");
  const payload = payloadOf(digest);
  const signature = sign("sha256", payload, privateKey);
  const signed = async () => {
    const target = new MemoryTarget();
    const manifest = await publish(target, "2.0.0");
    await cosign(target, manifest, [signature.toString("base64")], payload);
    return target;
  };
  assertEquals((await latest(await signed(), "2.0.0", trust)).signedBy?.length, 1);
  for (const part of [signature, payload]) {
    for (let bit = 0; bit < part.length * 8; bit++) {
      part[bit >> 3] ^= 1 << (bit & 7);
      await refusal(await signed(), "2.0.0", trust);
      part[bit >> 3] ^= 1 << (bit & 7);
    }
  }
  assertEquals(
    (await latest(await signed(), "2.0.0", trust)).signedBy?.length,
    1,
    "the bits it was",
  );
});

Deno.test("a root takes over that lies in the registry, and one that may not stops everything", async () => {
  const next = PrivateKey.generate();
  const root = (version: number, key: PrivateKey) =>
    new TextEncoder().encode(JSON.stringify({
      version,
      threshold: 1,
      keys: [{ name: `key-${version}`, key: key.publicKey.bytes.toBase64() }],
      revoked: [],
    }));
  const target = new MemoryTarget();
  const place = async (version: number, bytes: Uint8Array<ArrayBuffer>, ...keys: PrivateKey[]) => {
    const layers = [await push(target, ROOT_TYPE, bytes)];
    for (const key of keys) {
      layers.push(await push(target, SIGNATURE_TYPE, signFile(key, bytes, "base64")));
    }
    const packed = packManifest({ artifactType: "application/vnd.kubesolo.os.trust.v1", layers });
    await pushManifest(target, packed);
    await target.tag(packed.descriptor, `trust-${version}`);
  };
  const trust = () => new RootTrust(parseRoot(root(1, KEY)));
  await signManifest(target, await publish(target, "2.0.0"), next);
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "one of another key");
  await place(2, root(2, next), next);
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "tag trust-2");
  await place(2, root(2, next), KEY, next);
  assertEquals((await latest(target, "2.0.0", trust())).signedBy?.length, 1);
  await place(3, root(4, next), next);
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "tag trust-3");
  const layer = await push(target, SIGNATURE_TYPE, "no root");
  const none = packManifest({
    artifactType: "application/vnd.kubesolo.os.trust.v1",
    layers: [layer],
  });
  await pushManifest(target, none);
  await target.tag(none.descriptor, "trust-3");
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "no root of trust");
});
