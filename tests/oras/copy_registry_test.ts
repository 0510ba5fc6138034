import { assertEquals } from "@std/assert";
import {
  copy,
  describe,
  IMAGE_INDEX,
  ImageLayout,
  packIndex,
  packManifest,
  pushManifest,
  RegistryClient,
  Repository,
  successors,
  type Target,
} from "@kubesolo/update/oras";
import { contentOf, pushImage, TemporaryDirectory } from "./_image.ts";
import { Registry } from "./_registry.ts";

/** A tagged index of two images, with a large layer in its signature. */
async function pushSignedIndex(to: Target) {
  const images = [await pushImage(to, "one"), await pushImage(to, "two")];
  const index = packIndex({ manifests: images.map(({ descriptor }) => descriptor) });
  await pushManifest(to, index);
  await to.tag(index.descriptor, "v1");
  const bytes = new Uint8Array(5_000_000).map((_, at) => at % 253);
  const layer = describe("application/octet-stream", bytes);
  await to.push(layer, bytes);
  const { descriptor: subject } = index;
  const signature = packManifest({ artifactType: "x/signature", layers: [layer], subject });
  await pushManifest(to, signature);
  return { index, signature };
}

Deno.test("copy() goes from a layout to docker-registry and back, referrers too", async () => {
  await using temporary = new TemporaryDirectory();
  await using registry = await Registry.start();
  const client = new RegistryClient({ plainHttp: true });
  const repository = new Repository({ registry: registry.host, repository: "os/stable" }, client);
  const layout = await ImageLayout.create(`${temporary.path}/there`);
  const { index, signature } = await pushSignedIndex(layout);

  await copy(layout, "v1", repository, { referrers: true });
  const back = await ImageLayout.create(`${temporary.path}/back`);
  await copy(repository, "v1", back, { referrers: true });

  assertEquals(await back.tags(), ["v1"]);
  const { digest, mediaType } = await back.resolve("v1");
  assertEquals([digest, mediaType], [index.descriptor.digest, IMAGE_INDEX]);
  for (const { descriptor, bytes } of [index, signature]) {
    assertEquals(await contentOf(back, descriptor), bytes);
    for (const next of successors(descriptor, bytes)) await contentOf(back, next);
  }

  // All of it is there now, so nothing is sent.
  const states = new Set<string>();
  await copy(repository, "v1", back, {
    referrers: true,
    onProgress: ({ state }) => void states.add(state),
  });
  assertEquals([...states], ["skipped"]);
});
