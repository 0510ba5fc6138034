import { assertEquals, assertStringIncludes } from "@std/assert";
import { MAX_ROOT_SIGNATURE_LAYERS, SIGNATURE_TYPE } from "../../mod/oci/mod.ts";
import { MemoryTarget, packManifest, pushManifest } from "../../mod/oras/mod.ts";
import { parseRoot, PrivateKey, RootTrust } from "../../mod/trust/mod.ts";
import { signManifest } from "../../tasks/publish/sign.ts";
import { KEY, latest, publish, publishRoot, push, refusal, root } from "./_signed.ts";

Deno.test("a root takes over that lies in the registry, and one that may not stops everything", async () => {
  const next = PrivateKey.generate();
  const target = new MemoryTarget();
  const trust = () => new RootTrust(parseRoot(root(1, KEY)));
  await signManifest(target, await publish(target, "2.0.0"), next);
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "one of another key");
  await publishRoot(target, 2, root(2, next), next);
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "tag trust-2");
  await publishRoot(target, 2, root(2, next), KEY, next);
  assertEquals((await latest(target, "2.0.0", trust())).signedBy?.length, 1);
  await publishRoot(target, 3, root(4, next), next);
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "tag trust-3");
  const others = Array.from({ length: MAX_ROOT_SIGNATURE_LAYERS }, () => PrivateKey.generate());
  await publishRoot(target, 3, root(3, next), ...others.slice(1), next);
  assertEquals((await latest(target, "2.0.0", trust())).signedBy?.length, 1);
  await publishRoot(target, 3, root(3, next), ...others, next);
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "one of another key");
  const layer = await push(target, SIGNATURE_TYPE, "no root");
  const none = packManifest({
    artifactType: "application/vnd.kubesolo.os.trust.v1",
    layers: [layer],
  });
  await pushManifest(target, none);
  await target.tag(none.descriptor, "trust-3");
  assertStringIncludes(await refusal(target, "2.0.0", trust()), "no root of trust");
});
