import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  describe,
  type Descriptor,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  isDigest,
  type Manifest,
  MANIFEST_TYPES,
  MAX_LAYERS,
  MAX_MANIFEST_BYTES,
  OrasError,
  parseManifest,
  successors,
} from "@kubesolo/update/oras";

function part(name: string, mediaType = "application/octet-stream"): Descriptor {
  return describe(mediaType, new TextEncoder().encode(name));
}

const CONFIG = part("config", "application/vnd.oci.image.config.v1+json");
const LAYER = part("layer");
const SUBJECT = part("subject", IMAGE_MANIFEST);
const IMAGE = { schemaVersion: 2, config: CONFIG, layers: [LAYER] };
const INDEX = { schemaVersion: 2, manifests: [SUBJECT] };

function encode(document: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}

function parse(mediaType: string, document: unknown): Manifest {
  const bytes = encode(document);
  return parseManifest(describe(mediaType, bytes), bytes);
}

function refused(mediaType: string, document: unknown, words: string): void {
  const error = assertThrows(() => parse(mediaType, document), OrasError, words);
  assertEquals(error.code, "content");
}

Deno.test("parseManifest() reads images and indexes, Docker's too", () => {
  for (const mediaType of [IMAGE_MANIFEST, DOCKER_MANIFEST]) {
    assertEquals<unknown>(parse(mediaType, { ...IMAGE, mediaType }), {
      kind: "image",
      mediaType,
      config: CONFIG,
      layers: [LAYER],
    });
  }
  for (const mediaType of [IMAGE_INDEX, DOCKER_MANIFEST_LIST]) {
    assertEquals<unknown>(parse(mediaType, { ...INDEX, mediaType }), {
      kind: "index",
      mediaType,
      manifests: [SUBJECT],
    });
  }
});

Deno.test("parseManifest() keeps artifact type, subject, annotations and platforms", () => {
  const platform = { architecture: "arm64", os: "linux", variant: "v8" };
  const more = {
    artifactType: "application/vnd.example",
    subject: SUBJECT,
    annotations: { "org.example": "", __proto__x: "1" },
  };
  const entry = { ...SUBJECT, platform, annotations: { a: "b" }, artifactType: "x/y" };
  assertEquals<unknown>(parse(IMAGE_INDEX, { ...INDEX, ...more, manifests: [entry] }), {
    kind: "index",
    mediaType: IMAGE_INDEX,
    ...more,
    manifests: [entry],
  });
});

Deno.test("parseManifest() keeps an annotation called __proto__ as a name", () => {
  const text = JSON.stringify({ ...IMAGE, annotations: { x: "1" } }).replace(`"x"`, `"__proto__"`);
  const bytes = new TextEncoder().encode(text);
  const { annotations } = parseManifest(describe(IMAGE_MANIFEST, bytes), bytes);
  assertEquals(Object.entries(annotations ?? {}), [["__proto__", "1"]]);
  assertEquals(Object.getPrototypeOf(annotations), Object.prototype);
});

Deno.test("parseManifest() takes what Go writes for nothing", () => {
  const nothing = { subject: null, annotations: null, artifactType: "" };
  assertEquals(parse(IMAGE_INDEX, { ...INDEX, ...nothing, manifests: null }).kind, "index");
});

Deno.test("parseManifest() takes unknown media types of layers, and one layer twice", () => {
  const odd = part("odd", "application/vnd.unheard-of");
  const manifest = parse(IMAGE_MANIFEST, { ...IMAGE, layers: [odd, odd] });
  assertEquals(manifest.kind === "image" && manifest.layers, [odd, odd]);
});

Deno.test("parseManifest() refuses a document that its descriptor calls something else", () => {
  refused(IMAGE_MANIFEST, { ...IMAGE, mediaType: DOCKER_MANIFEST }, "as its descriptor says");
  refused(IMAGE_INDEX, IMAGE, "none in an index");
  refused(IMAGE_MANIFEST, INDEX, "none in an image");
  refused(IMAGE_MANIFEST, { ...IMAGE, manifests: [SUBJECT] }, "manifests: wanted none");
  refused(IMAGE_INDEX, { ...INDEX, layers: [LAYER] }, "layers: wanted none");
  refused("application/json", IMAGE, "is no type of a manifest");
});

Deno.test("parseManifest() refuses properties of other types", () => {
  refused(IMAGE_MANIFEST, [], "the document: wanted an object");
  refused(IMAGE_MANIFEST, { ...IMAGE, schemaVersion: 1 }, "schemaVersion: wanted 2");
  refused(IMAGE_MANIFEST, { ...IMAGE, config: undefined }, "config: wanted an object");
  refused(IMAGE_MANIFEST, { ...IMAGE, layers: {} }, "layers: wanted a list");
  refused(IMAGE_MANIFEST, { ...IMAGE, layers: undefined }, "layers: wanted a list");
  refused(IMAGE_MANIFEST, { ...IMAGE, annotations: { a: 1 } }, "annotations: wanted texts");
  refused(IMAGE_MANIFEST, { ...IMAGE, artifactType: "none" }, "artifactType: wanted a media type");
  refused(IMAGE_INDEX, { ...INDEX, subject: "x" }, "subject: wanted an object");
  for (const digest of ["sha256:../../../etc/shadow", "sha512:00", 1, undefined]) {
    refused(
      IMAGE_MANIFEST,
      { ...IMAGE, layers: [LAYER, { ...LAYER, digest }] },
      "layers[1].digest",
    );
  }
  for (const size of [-1, 0.5, "1", 2 ** 53, undefined]) {
    refused(IMAGE_MANIFEST, { ...IMAGE, config: { ...CONFIG, size } }, "config.size");
  }
  const platform = { architecture: "amd64" };
  refused(IMAGE_INDEX, { ...INDEX, manifests: [{ ...SUBJECT, platform }] }, "platform.os");
});

Deno.test("parseManifest() refuses what is too much", () => {
  const layers = new Array(MAX_LAYERS + 1).fill(LAYER);
  assert(parse(IMAGE_MANIFEST, { ...IMAGE, layers: layers.slice(1) }));
  refused(IMAGE_MANIFEST, { ...IMAGE, layers }, `at most ${MAX_LAYERS}`);
  const annotations = { a: "b".repeat(MAX_MANIFEST_BYTES) };
  refused(IMAGE_MANIFEST, { ...IMAGE, annotations }, `more than ${MAX_MANIFEST_BYTES}`);
  const many = Object.fromEntries(Array.from({ length: 1025 }, (_, name) => [`${name}`, ""]));
  refused(IMAGE_MANIFEST, { ...IMAGE, annotations: many }, "at most 1024");
  refused(
    IMAGE_MANIFEST,
    { ...IMAGE, config: { ...CONFIG, mediaType: `a/${"b".repeat(254)}` } },
    "255",
  );
});

Deno.test("parseManifest() refuses what is no JSON in UTF-8", () => {
  for (
    const bytes of [new Uint8Array(), new Uint8Array([0x7b, 0xff, 0x7d]), new Uint8Array([0x7b])]
  ) {
    const read = () => parseManifest(describe(IMAGE_MANIFEST, bytes), bytes);
    assertThrows(read, OrasError, "not JSON");
  }
});

Deno.test("successors() are config, layers, manifests and subject, in this order", () => {
  const image = encode({ ...IMAGE, subject: SUBJECT });
  assertEquals(successors(describe(IMAGE_MANIFEST, image), image), [CONFIG, LAYER, SUBJECT]);
  const index = encode({ ...INDEX, manifests: [LAYER, CONFIG], subject: SUBJECT });
  assertEquals(successors(describe(IMAGE_INDEX, index), index), [LAYER, CONFIG, SUBJECT]);
  assertEquals(successors(describe("text/plain", image), image), []);
});

/** Any value, with a liking for the words of manifests. */
const anything: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.jsonValue(),
    fc.constantFrom<unknown>(2, 0, null, CONFIG.digest, IMAGE_MANIFEST, IMAGE_INDEX, CONFIG, LAYER),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.constantFrom(
        ...["schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "digest"],
        ...["size", "annotations", "platform", "artifactType", "__proto__", "os"],
      ),
      tie("value"),
    ),
  ),
})).value;

const documents = fc.oneof(
  anything,
  fc.tuple(
    fc.constantFrom<object>(IMAGE, INDEX),
    fc.dictionary(
      fc.constantFrom("mediaType", "config", "layers", "manifests", "subject", "annotations"),
      anything,
      { maxKeys: 2 },
    ),
  ).map(([base, more]) => ({ ...base, ...more })),
);

function assertSane({ mediaType, digest, size, annotations, platform }: Descriptor): void {
  assertEquals(typeof mediaType, "string");
  assert(isDigest(digest), digest);
  assert(Number.isSafeInteger(size) && size >= 0);
  for (const text of Object.values(annotations ?? {})) assertEquals(typeof text, "string");
  for (const text of Object.values(platform ?? {})) assertEquals(typeof text, "string");
}

Deno.test("whatever the document, it is a sane manifest or refused", () => {
  let read = 0;
  fc.assert(
    fc.property(documents, fc.constantFrom(...MANIFEST_TYPES), (document, mediaType) => {
      const bytes = encode(document) ?? new Uint8Array();
      const descriptor = describe(mediaType, bytes);
      try {
        const manifest = parseManifest(descriptor, bytes);
        assertEquals(manifest.mediaType, mediaType);
        for (const text of Object.values(manifest.annotations ?? {})) {
          assertEquals(typeof text, "string");
        }
        for (const next of successors(descriptor, bytes)) assertSane(next);
        read++;
      } catch (error) {
        if (!(error instanceof OrasError)) throw error;
        assertEquals(error.code, "content");
      }
    }),
    { numRuns: 3000 },
  );
  assert(read > 50, `only ${read} documents were manifests`);
});
