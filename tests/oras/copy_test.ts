import { assert, assertEquals } from "@std/assert";
import {
  copy,
  type CopyProgress,
  DEFAULT_COPY_CONCURRENCY,
  describe,
  EMPTY_DESCRIPTOR,
  ImageLayout,
  MemoryTarget,
  type PackedManifest,
  packIndex,
  packManifest,
  pushManifest,
} from "@kubesolo/update/oras";
import { assertWhole, pushArtifact, pushGraph, TYPE, WatchedTarget } from "./_graph.ts";
import { pushImage, TemporaryDirectory, textBlob } from "./_image.ts";

Deno.test("copy() brings the whole graph, and the tag", async () => {
  const [source, destination] = [new MemoryTarget(), new MemoryTarget()];
  const { index, signature } = await pushGraph(source);
  assertEquals((await copy(source, "v1", destination)).digest, index.descriptor.digest);
  assertEquals(await destination.resolve("v1"), index.descriptor);
  await assertWhole(destination, index);
  assertEquals(await destination.exists(signature.descriptor), false);
});

Deno.test("copy() brings blobs before manifests, and manifests before those that name them", async () => {
  const [source, destination] = [new MemoryTarget(), new WatchedTarget()];
  const { shared, one, two, index } = await pushGraph(source);
  await copy(source, "v1", destination);
  const manifests = [one, two, index].map(({ descriptor }) => descriptor.digest);
  assertEquals(destination.pushed.slice(-3), manifests);
  assertEquals(destination.pushed.length, 7);
  assertEquals(destination.pushed.filter((digest) => digest === shared.target.digest).length, 1);
});

Deno.test("copy() fetches nothing that is there but manifests, and says so", async () => {
  const [source, destination] = [new WatchedTarget(), new MemoryTarget()];
  const { shared, one, two, index } = await pushGraph(source);
  await destination.push(shared.target, shared.bytes);
  await copy(source, "v1", destination);
  assert(!source.fetched.includes(shared.target.digest));

  source.fetched.length = 0;
  const states: string[] = [];
  await copy(source, "v1", destination, { onProgress: ({ state }) => void states.push(state) });
  assertEquals(states, Array(7).fill("skipped"));
  const manifests = [index, one, two].map(({ descriptor }) => descriptor.digest);
  assertEquals(source.fetched, manifests);
});

Deno.test("copy() names it as it is told, and a digest names nothing", async () => {
  const [source, destination] = [new MemoryTarget(), new MemoryTarget()];
  const { index, one } = await pushGraph(source);
  await copy(source, one.descriptor.digest, destination);
  assertEquals(await destination.tags(), []);
  await copy(source, index.descriptor.digest, destination, { tag: "a" });
  await copy(source, "v1", destination, { tag: "b" });
  assertEquals(await destination.tags(), ["a", "b"]);
});

Deno.test("copy() brings what refers to it, and what refers to that, where it is asked to", async () => {
  const [source, destination] = [new MemoryTarget(), new MemoryTarget()];
  const { index, signature, proof, sums } = await pushGraph(source);
  await copy(source, "v1", destination, { referrers: true });
  for (const packed of [index, signature, proof, sums]) await assertWhole(destination, packed);
  assertEquals(await destination.referrers(index.descriptor), [signature.descriptor]);
});

Deno.test("copy() of what refers to something brings that too", async () => {
  const [source, destination] = [new MemoryTarget(), new MemoryTarget()];
  const { index, proof } = await pushGraph(source);
  await copy(source, proof.descriptor.digest, destination, { referrers: true });
  await assertWhole(destination, proof);
  await assertWhole(destination, index);
});

Deno.test("copy() brings a referrer after everything that it names", async () => {
  const [source, destination] = [new MemoryTarget(), new WatchedTarget()];
  const { index, one } = await pushGraph(source);
  // It refers to one image, and lists the index that has the image in it.
  const odd = packIndex({ manifests: [index.descriptor], subject: one.descriptor });
  await pushManifest(source, odd);
  await copy(source, "v1", destination, { referrers: true });
  const at = ({ descriptor }: PackedManifest) => destination.pushed.indexOf(descriptor.digest);
  assert(at(odd) > at(index));
});

Deno.test("copy() sends no more blobs at once than it may", async () => {
  for (
    const [options, most] of [[{}, DEFAULT_COPY_CONCURRENCY], [{ concurrency: 1 }, 1]] as const
  ) {
    const [source, destination] = [new MemoryTarget(), new WatchedTarget()];
    const blobs = Array.from({ length: 12 }, (_, n) => textBlob(`blob ${n}`));
    const { descriptor } = await pushArtifact(source, blobs);
    await copy(source, descriptor.digest, destination, options);
    assertEquals(destination.atOnce.most, most);
  }
});

Deno.test("copy() tells how far each content is, to its last byte", async () => {
  const [source, destination] = [new MemoryTarget(), new MemoryTarget()];
  const bytes = new Uint8Array(200_000);
  const large = { target: describe("application/octet-stream", bytes), bytes };
  const { descriptor } = await pushArtifact(source, [large]);
  const seen: CopyProgress[] = [];
  const onProgress = (progress: CopyProgress) => void seen.push(progress);
  await copy(source, descriptor.digest, destination, { onProgress });
  const of = seen.filter(({ target }) => target.digest === large.target.digest);
  assert(of.length > 3);
  assertEquals(of[0].bytes, 0);
  assertEquals(of.at(-2)?.bytes, bytes.length);
  assertEquals(of.at(-1), { target: large.target, state: "copied", bytes: bytes.length });
  assertEquals(of.map((one) => one.bytes), of.map((one) => one.bytes).sort((a, b) => a - b));
});

Deno.test("copy() leaves out layers that are not for others to distribute", async () => {
  const [source, destination] = [new MemoryTarget(), new MemoryTarget()];
  const type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
  const layers = [textBlob("elsewhere", type).target];
  const packed = packManifest({ artifactType: TYPE, layers });
  await pushManifest(source, packed);
  await copy(source, packed.descriptor.digest, destination);
  assertEquals(await destination.exists(packed.descriptor), true);
  assertEquals(await destination.exists(layers[0]), false);
  assertEquals(await destination.exists(EMPTY_DESCRIPTOR), true);
});

Deno.test("copy() goes down a thousand indexes, each in the other", async () => {
  const [source, destination] = [new MemoryTarget(), new MemoryTarget()];
  let inner = await pushArtifact(source, [textBlob("deep")]);
  for (let depth = 0; depth < 1000; depth++) {
    inner = packIndex({ manifests: [inner.descriptor, inner.descriptor] });
    await pushManifest(source, inner);
  }
  await copy(source, inner.descriptor.digest, destination);
  assertEquals(await destination.exists(textBlob("deep").target), true);
});

Deno.test("copy() goes from memory to a directory, and back, with everything", async () => {
  await using temporary = new TemporaryDirectory();
  const [source, back] = [new MemoryTarget(), new MemoryTarget()];
  const { index, signature, proof, sums } = await pushGraph(source);
  const layout = await ImageLayout.create(temporary.path);
  await copy(source, "v1", layout, { referrers: true });
  await copy(await ImageLayout.open(temporary.path), "v1", back, { referrers: true });
  for (const packed of [index, signature, proof, sums]) {
    await assertWhole(layout, packed);
    await assertWhole(back, packed);
  }
  assertEquals(await layout.tags(), ["v1"]);
});

Deno.test("two copies of one graph leave the same index.json", async () => {
  await using temporary = new TemporaryDirectory();
  const source = new MemoryTarget();
  await pushGraph(source);
  const image = await pushImage(source, "image");
  await source.tag(image.descriptor, "v2");
  const written: string[] = [];
  for (const concurrency of [1, 5]) {
    const layout = await ImageLayout.create(`${temporary.path}/${concurrency}`);
    await copy(source, "v1", layout, { referrers: true, concurrency });
    await copy(source, "v2", layout, { concurrency });
    written.push(await Deno.readTextFile(`${layout.name}/index.json`));
  }
  assertEquals(written[0], written[1]);
});
