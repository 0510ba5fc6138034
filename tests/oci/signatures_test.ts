import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { OciSource } from "../../mod/oci/mod.ts";
import {
  ImageLayout,
  MemoryTarget,
  packIndex,
  pushManifest,
  RegistryClient,
  Repository,
} from "../../mod/oras/mod.ts";
import { PrivateKey } from "../../mod/trust/mod.ts";
import { TokenRegistry } from "../oras/_token_registry.ts";
import { signManifest } from "../../tasks/publish/sign.ts";
import { KEY, latest, OTHER, publish, readOnly, refusal, TRUST } from "./_signed.ts";

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

Deno.test("where what refers to the manifest suffices, cosign's tag is not asked for", async () => {
  const target = new MemoryTarget();
  const manifest = await publish(target, "2.0.0");
  await signManifest(target, manifest, KEY);
  const asked: string[] = [];
  const resolve = (reference: string) => {
    asked.push(reference);
    return target.resolve(reference);
  };
  await latest({ ...readOnly(target), resolve }, "2.0.0");
  assertEquals(asked, ["2.0.0"]);
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
    target: { ...readOnly(target), referrers: () => Promise.reject(new Error("asked")) },
    reference: "2.0.0",
    architecture: "x86_64",
  });
  assertEquals((await source.latest()).signedBy, undefined);
});

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
