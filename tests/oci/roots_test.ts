import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT_TYPE, SIGNATURE_TYPE } from "../../mod/oci/mod.ts";
import { MemoryTarget, packManifest, pushManifest } from "../../mod/oras/mod.ts";
import { parseRoot, PrivateKey, RootTrust, signFile } from "../../mod/trust/mod.ts";
import { signManifest } from "../../tasks/publish/sign.ts";
import { KEY, latest, publish, push, refusal } from "./_signed.ts";

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
