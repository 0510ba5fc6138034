import { assertEquals, assertThrows } from "@std/assert";
import {
  describe,
  EMPTY_DESCRIPTOR,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  MemoryTarget,
  OrasError,
  packIndex,
  packManifest,
  parseManifest,
  pushManifest,
} from "@kubesolo/update/oras";

const TYPE = "application/vnd.example";
const LAYER = describe("text/plain", new TextEncoder().encode("hello"));

Deno.test("the empty content is that of the specification", () => {
  assertEquals(EMPTY_DESCRIPTOR, {
    mediaType: "application/vnd.oci.empty.v1+json",
    digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    size: 2,
  });
});

Deno.test("packManifest() makes exactly these bytes", () => {
  const { bytes, descriptor } = packManifest({
    annotations: { b: "2", a: "1" },
    layers: [LAYER],
    artifactType: TYPE,
    subject: { size: 1, digest: LAYER.digest, mediaType: IMAGE_MANIFEST },
  });
  const empty = `"digest":"${EMPTY_DESCRIPTOR.digest}","size":2}`;
  assertEquals(
    new TextDecoder().decode(bytes),
    `{"schemaVersion":2,"mediaType":"${IMAGE_MANIFEST}","artifactType":"${TYPE}",` +
      `"config":{"mediaType":"application/vnd.oci.empty.v1+json",${empty},` +
      `"layers":[{"mediaType":"text/plain","digest":"${LAYER.digest}","size":5}],` +
      `"subject":{"mediaType":"${IMAGE_MANIFEST}","digest":"${LAYER.digest}","size":1},` +
      `"annotations":{"a":"1","b":"2"}}`,
  );
  assertEquals(descriptor, { ...describe(IMAGE_MANIFEST, bytes), artifactType: TYPE });
});

Deno.test("packManifest() reads back as what was packed", () => {
  const config = describe("application/vnd.example.config", new Uint8Array(3));
  const annotations = { z: "1", "org.example.a": "2" };
  const { descriptor, bytes } = packManifest({ config, layers: [LAYER, LAYER], annotations });
  assertEquals<unknown>(parseManifest(descriptor, bytes), {
    kind: "image",
    mediaType: IMAGE_MANIFEST,
    config,
    layers: [LAYER, LAYER],
    annotations,
  });
});

Deno.test("packManifest() makes an artifact without content of the empty content", () => {
  const { descriptor, bytes } = packManifest({ artifactType: TYPE });
  const manifest = parseManifest(descriptor, bytes);
  assertEquals(manifest.kind === "image" && manifest.layers, [EMPTY_DESCRIPTOR]);
});

Deno.test("packManifest() refuses what says nothing of its type, and parts that are none", () => {
  assertThrows(() => packManifest({ layers: [LAYER] }), OrasError, "neither");
  const bad = { ...LAYER, digest: "sha256:1" };
  assertThrows(() => packManifest({ artifactType: TYPE, layers: [bad] }), OrasError, "layers[0]");
  assertThrows(() => packManifest({ artifactType: "note" }), OrasError, "a media type");
});

Deno.test("packIndex() lists manifests in their order, with their platforms", () => {
  const { descriptor: manifest } = packManifest({ artifactType: TYPE });
  const amd64 = { ...manifest, platform: { os: "linux", architecture: "amd64" } };
  const arm64 = { ...manifest, platform: { variant: "v8", os: "linux", architecture: "arm64" } };
  const { descriptor, bytes } = packIndex({ manifests: [arm64, amd64], subject: manifest });
  assertEquals(descriptor.mediaType, IMAGE_INDEX);
  const index = parseManifest(descriptor, bytes);
  assertEquals(index.kind === "index" && index.manifests, [arm64, amd64]);
  assertEquals(index.subject, manifest);
});

Deno.test("pushManifest() brings the empty content along, and only where it is named", async () => {
  const [with_, without] = [new MemoryTarget(), new MemoryTarget()];
  const config = describe("application/vnd.example.config", new Uint8Array(3));
  await pushManifest(with_, packManifest({ artifactType: TYPE, layers: [LAYER] }));
  await pushManifest(without, packManifest({ config, layers: [LAYER] }));
  assertEquals(await with_.exists(EMPTY_DESCRIPTOR), true);
  assertEquals(await without.exists(EMPTY_DESCRIPTOR), false);
});
