import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { MAX_SIGNATURE_MANIFESTS, SIGNATURE_TYPE } from "../../mod/oci/mod.ts";
import {
  describe,
  MemoryTarget,
  packManifest,
  pushManifest,
  readAll,
  type ReadOnlyTarget,
  type Target,
} from "../../mod/oras/mod.ts";
import { PrivateKey, signFile } from "../../mod/trust/mod.ts";
import { signManifest } from "../../tasks/publish/sign.ts";
import { KEY, latest, only, publish, push, refusal } from "./_signed.ts";

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
