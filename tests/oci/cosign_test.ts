import { generateKeyPairSync, sign } from "node:crypto";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { COSIGN_ANNOTATION, COSIGN_PAYLOAD_TYPE, MAX_COSIGN_LAYERS } from "../../mod/oci/mod.ts";
import {
  type Descriptor,
  MemoryTarget,
  packManifest,
  pushManifest,
  type Target,
} from "../../mod/oras/mod.ts";
import { KeyTrust, parsePublicKeys } from "../../mod/trust/mod.ts";
import { KEY, latest, OTHER, publish, push, refusal } from "./_signed.ts";

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

Deno.test("no more than so many layers of cosign's are looked at", async () => {
  for (const before of [MAX_COSIGN_LAYERS - 1, MAX_COSIGN_LAYERS]) {
    const target = new MemoryTarget();
    const manifest = await publish(target, "2.0.0");
    const payload = payloadOf(manifest.digest);
    const good = KEY.sign(payload).toBase64();
    await cosign(target, manifest, [...Array(before).fill("rubbish"), good], payload);
    if (before < MAX_COSIGN_LAYERS) assertEquals((await latest(target, "2.0.0")).version, "2.0.0");
    else await refusal(target, "2.0.0");
  }
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
