import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MAX_SIGNATURE_FILE_BYTES, UpdateError } from "../../mod/core/mod.ts";
import {
  MAX_SIGNATURE_LAYERS,
  MAX_SIGNATURE_MANIFEST_BYTES,
  MAX_SIGNATURE_MANIFESTS,
  SIGNATURE_TYPE,
} from "../../mod/oci/mod.ts";
import {
  describe,
  MemoryTarget,
  OrasError,
  packIndex,
  packManifest,
  pushManifest,
  readAll,
  type ReadOnlyTarget,
  type Target,
} from "../../mod/oras/mod.ts";
import { PrivateKey, signFile } from "../../mod/trust/mod.ts";
import { signManifest } from "../../tasks/publish/sign.ts";
import { KEY, latest, publish, push, readOnly, refusal } from "./_signed.ts";

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
  console.log(`${(bytes.length + signature.length) * 8} flipped bits`);
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
  const lying = { ...readOnly(target), referrers: () => Promise.resolve([signature]) };
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
    ...readOnly(target),
    fetch: (wanted, options) => {
      fetched.push(wanted.mediaType);
      return target.fetch(wanted, options);
    },
  };
  await refusal(counting, "2.0.0");
  assertEquals(fetched.length, 1 + 2 * MAX_SIGNATURE_MANIFESTS);
});

Deno.test("no more than so many layers and bytes of a manifest of signatures are looked at", async () => {
  const cases: [counts: boolean, before: number, annotation: number][] = [
    [true, MAX_SIGNATURE_LAYERS - 1, 0],
    [false, MAX_SIGNATURE_LAYERS, 0],
    [true, 0, MAX_SIGNATURE_MANIFEST_BYTES - 2000],
    [false, 0, MAX_SIGNATURE_MANIFEST_BYTES],
  ];
  for (const [counts, before, annotation] of cases) {
    const target = new MemoryTarget();
    const subject = await publish(target, "2.0.0");
    const bytes = await readAll(subject, await target.fetch(subject), 1 << 20);
    const rubbish = await push(target, SIGNATURE_TYPE, "rubbish\n");
    const good = await push(target, SIGNATURE_TYPE, signFile(KEY, bytes, "base64"));
    const layers = [...Array(before).fill(rubbish), good];
    const annotations = { note: "x".repeat(annotation) };
    const artifactType = SIGNATURE_TYPE;
    await pushManifest(target, packManifest({ artifactType, layers, subject, annotations }));
    if (counts) assertEquals((await latest(target, "2.0.0")).version, "2.0.0");
    else await refusal(target, "2.0.0");
  }
});

Deno.test("not a byte is read of a file of signatures that is too large", async () => {
  for (const tooMany of [0, 1]) {
    const target = new MemoryTarget();
    const subject = await publish(target, "2.0.0");
    const size = MAX_SIGNATURE_FILE_BYTES + tooMany;
    const layer = await push(target, SIGNATURE_TYPE, new Uint8Array(size));
    await pushManifest(
      target,
      packManifest({ artifactType: SIGNATURE_TYPE, layers: [layer], subject }),
    );
    let read = false;
    const watched: ReadOnlyTarget = {
      ...readOnly(target),
      fetch: (wanted, options) => {
        if (wanted.size !== size) return target.fetch(wanted, options);
        const pull = () => {
          read = true;
          throw new OrasError("content", "reading", "a stick that is pulled");
        };
        return Promise.resolve(new ReadableStream({ type: "bytes", pull }));
      },
    };
    await refusal(watched, "2.0.0");
    assertEquals(read, tooMany === 0);
  }
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

  const platform = { architecture: "amd64", os: "linux" };
  const index = packIndex({ manifests: [{ ...describe(manifest.mediaType, bytes), platform }] });
  await pushManifest(target, index);
  await target.tag(index.descriptor, "listed");
  await signManifest(target, index.descriptor, KEY);
  assertStringIncludes(await refusal(target, "listed"), "twice in one object");
});

Deno.test("a container image whose configuration names a label twice is refused where it is signed", async () => {
  const labels = ["vmlinuz", "initramfs"].flatMap((name) => [
    `"io.kubesolo.os.${name}.sha256":"${"0".repeat(64)}"`,
    `"io.kubesolo.os.${name}.size":"1"`,
  ]);
  const version = '"io.kubesolo.os.version":"2.0.0"';
  for (const [tag, all] of [["once", [version]], ["twice", [version, version]]] as const) {
    const target = new MemoryTarget();
    const text = `{"config":{"Labels":{${[...labels, ...all].join()}}}}`;
    const config = await push(target, "application/vnd.oci.image.config.v1+json", text);
    const layers = [await push(target, "application/vnd.oci.image.layer.v1.tar", "")];
    const packed = packManifest({ config, layers });
    await pushManifest(target, packed);
    await target.tag(packed.descriptor, tag);
    await signManifest(target, packed.descriptor, KEY);
    if (tag === "once") assertEquals((await latest(target, tag)).version, "2.0.0");
    else assertStringIncludes(await refusal(target, tag), "twice in one object");
  }
});
