import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Descriptor,
  digestOf,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  MAX_LISTED,
  MAX_MANIFEST_BYTES,
  MAX_PAGES,
  OrasError,
  type OrasErrorCode,
  RegistryClient,
  Repository,
  UPLOAD_CHUNK_BYTES,
  verified,
} from "../../mod/oras/mod.ts";
import { serve, serveRaw } from "../http/_servers.ts";
import { blob, bytesOf, image, json, noise, pushAll } from "./_artifacts.ts";
import { problem, TokenRegistry } from "./_token_registry.ts";

function open(registry: { readonly host: string }, repository = "os"): Repository {
  const client = new RegistryClient({ plainHttp: true, sleep: () => Promise.resolve() });
  return new Repository({ registry: registry.host, repository }, client);
}

function at(server: { readonly url: string }): { readonly host: string } {
  return { host: new URL(server.url).host };
}

async function fails(
  code: OrasErrorCode,
  act: () => Promise<unknown>,
  message = "",
): Promise<void> {
  const error = await assertRejects(act, OrasError, message);
  assertEquals(error.code, code, error.message);
}

async function readVerified(repository: Repository, descriptor: Descriptor) {
  return await bytesOf(verified(descriptor, await repository.fetch(descriptor)));
}

const MANIFEST = json(IMAGE_MANIFEST, image(blob(noise(10)))[2]);

/** A registry with one manifest, some of whose headers are as `headers` says; null leaves one out. */
function odd(headers: Record<string, string | null>, body: BodyInit = MANIFEST.bytes) {
  const all: Record<string, string | null> = {
    "content-type": IMAGE_MANIFEST,
    "docker-content-digest": MANIFEST.descriptor.digest,
    ...headers,
  };
  const entries = Object.entries(all).filter((entry): entry is [string, string] =>
    entry[1] !== null
  );
  return serve((request) =>
    request.method === "HEAD"
      ? new Response(null, {
        headers: [...entries, ["content-length", `${MANIFEST.bytes.length}`]],
      })
      : new Response(body, { headers: entries })
  );
}

Deno.test("what is no repository, tag or digest is never sent", async () => {
  const client = new RegistryClient();
  for (const repository of ["../os", "os/", "", "os?x"]) {
    const reference = { registry: "registry.example", repository };
    await fails("reference", () => Promise.resolve().then(() => new Repository(reference, client)));
  }
  const repository = open({ host: "registry.example" });
  const bad = { ...MANIFEST.descriptor, digest: "sha256:../../x" };
  for (const reference of ["../x", "", "a/b", "sha512:00", bad.digest]) {
    await fails("reference", () => repository.resolve(reference));
    await fails("reference", () => repository.deleteManifest(reference));
    await fails("reference", () => repository.deleteBlob(reference));
    await fails("reference", () => repository.mount(`${reference}..`, MANIFEST.descriptor));
  }
  await fails("reference", () => repository.fetch(bad));
  await fails("reference", () => repository.fetch({ ...bad, mediaType: "a/b" }));
  await fails("reference", () => repository.referrers(bad));
});

Deno.test("a tag resolves by HEAD alone, and by GET where HEAD does not tell", async () => {
  await using full = odd({});
  assertEquals(await open(at(full)).resolve("a"), MANIFEST.descriptor);
  assertEquals(full.requests.length, 1);
  await using silent = odd({ "docker-content-digest": null });
  assertEquals(await open(at(silent)).resolve("a"), MANIFEST.descriptor);
  assertEquals(silent.requests.length, 2);
});

Deno.test("answers that are no manifests are refused", async () => {
  const other = digestOf(new Uint8Array());
  const cases: [OrasErrorCode, string, Record<string, string | null>][] = [
    ["protocol", "sha256 was wanted", { "docker-content-digest": "sha512:00" }],
    ["protocol", "a web page", { "content-type": "text/html; charset=utf-8" }],
    ["protocol", "no manifest", { "content-type": "application/json" }],
    ["protocol", "no media type", { "content-type": null }],
    ["content", "another manifest", { "docker-content-digest": other }],
  ];
  for (const [code, message, headers] of cases) {
    await using server = odd(headers);
    const repository = open(at(server));
    await fails(code, () => repository.resolve(MANIFEST.descriptor.digest), message);
    await fails(code, () => repository.fetch(MANIFEST.descriptor), message);
  }
  await using index = odd({ "content-type": IMAGE_INDEX });
  await fails("content", () => open(at(index)).fetch(MANIFEST.descriptor), "was wanted");
});

Deno.test("a manifest whose bytes are others than its digest promises is refused", async () => {
  for (const body of [noise(MANIFEST.bytes.length), "{}", ""]) {
    await using server = odd({}, body);
    await fails("content", () => open(at(server)).fetch(MANIFEST.descriptor), "another manifest");
    await using silent = odd({ "docker-content-digest": null }, body);
    await fails("content", () => open(at(silent)).fetch(MANIFEST.descriptor), "another manifest");
  }
  await using server = odd({});
  const longer = { ...MANIFEST.descriptor, size: MANIFEST.bytes.length + 1 };
  await fails("content", () => open(at(server)).fetch(longer), "instead of");
});

Deno.test("a manifest that changes after its tag was resolved is refused", async () => {
  await using registry = new TokenRegistry();
  const repository = open(registry);
  const { descriptor } = await pushAll(repository, image(blob(noise(10))));
  await repository.tag(descriptor, "a");
  const resolved = await repository.resolve("a");
  const [, , other] = image(blob(noise(11)));
  registry.manifests.set(`os@${descriptor.digest}`, {
    mediaType: IMAGE_MANIFEST,
    bytes: other.bytes,
  });
  await fails("content", () => repository.fetch(resolved), "another manifest");
});

Deno.test("a manifest of 50 MB is not read to its end", async () => {
  let sent = 0;
  const part = new Uint8Array(1 << 20);
  const endless = () =>
    new ReadableStream({
      type: "bytes",
      pull(controller) {
        sent++;
        if (sent > 50) controller.close();
        else controller.enqueue(part.slice());
      },
    });
  await using server = serve(() =>
    new Response(endless(), { headers: { "content-type": IMAGE_MANIFEST } })
  );
  await fails(
    "content",
    () => open(at(server)).fetch(MANIFEST.descriptor),
    `${MAX_MANIFEST_BYTES}`,
  );
  assert(sent < 40, `${sent} MiB were sent`);
  await using promised = odd({}, new Uint8Array(MAX_MANIFEST_BYTES + 1));
  await fails("content", () => open(at(promised)).fetch(MANIFEST.descriptor), "more than");
});

Deno.test("a blob that is tampered with, short or long is refused", async () => {
  const { descriptor, bytes } = blob(noise(100_000));
  const tampered = bytes.slice();
  tampered[50_000] ^= 1;
  for (const body of [tampered, bytes.slice(1), new Uint8Array([...bytes, 0])]) {
    await using server = serve(() => new Response(body));
    await fails("content", () => readVerified(open(at(server)), descriptor));
  }
});

Deno.test("the page of a network that wants a login is no blob, no list and no answer", async () => {
  await using server = serve(() =>
    new Response("<html>", { headers: { "content-type": "text/html" } })
  );
  const repository = open(at(server));
  const { descriptor } = blob(noise(10));
  for (
    const act of [
      () => repository.fetch(descriptor),
      () => repository.exists(descriptor),
      () => repository.resolve("a"),
      () => repository.tags(),
      () => repository.referrers(descriptor),
    ]
  ) await fails("protocol", act, "a web page");
});

Deno.test("a registry that is gone in the middle of a blob is unreachable", async () => {
  const { descriptor, bytes } = blob(noise(100_000));
  await using server = serveRaw(async ({ send }) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    await send(bytes.subarray(0, 50_000));
  });
  await fails("unreachable", () => readVerified(open(at(server)), descriptor), "too early");
});

Deno.test("a blob whose length is not said is taken, and counted", async () => {
  const { descriptor, bytes } = blob(noise(100_000));
  const packed = await bytesOf(
    new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")),
  );
  const encoded = { headers: { "content-encoding": "gzip" } };
  const chunked = (body: Uint8Array<ArrayBuffer>) => new Response(new Blob([body]).stream());
  for (const answer of [() => chunked(bytes), () => new Response(packed, encoded)]) {
    await using server = serve(answer);
    assertEquals(await readVerified(open(at(server)), descriptor), bytes);
  }
  let sent = 0;
  const endless = () =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(++sent && 1 << 16)),
    });
  const wrong: [answer: () => Response, says: string][] = [
    [() => chunked(bytes.slice(1)), "99999 bytes instead of 100000"],
    [() => new Response(endless()), "more than the 100000 bytes that it has"],
    [() => new Response(new Uint8Array(packed), encoded), "bytes"],
  ];
  const unpacked = blob(packed).descriptor;
  for (const [answer, says] of wrong) {
    await using server = serve(answer);
    const wanted = says === "bytes" ? unpacked : descriptor;
    await fails("content", () => readVerified(open(at(server)), wanted), says);
  }
  assert(sent < 500, `${sent} chunks were sent`);
});

Deno.test("a blob goes on from an offset, also where the registry knows no ranges", async () => {
  const { descriptor, bytes } = blob(noise(200_000));
  await using server = serve(() => new Response(bytes));
  await using registry = new TokenRegistry();
  registry.blobs.set(`os@${descriptor.digest}`, bytes);
  for (const repository of [open(registry), open(at(server))]) {
    for (const offset of [0, 1, 150_000, 199_999, 200_000]) {
      const rest = await bytesOf(await repository.fetch(descriptor, { offset }));
      assertEquals(rest, bytes.subarray(offset).slice());
    }
    for (const offset of [-1, 0.5, 200_001]) {
      await fails("content", () => repository.fetch(descriptor, { offset }));
    }
  }
});

Deno.test("another part than the one that was asked for is refused", async () => {
  const { descriptor, bytes } = blob(noise(100));
  for (const range of ["bytes 11-99/100", "bytes 10-98/100", "bytes 10-99/101", "nonsense", null]) {
    await using server = serve(() =>
      new Response(bytes.subarray(10), {
        status: 206,
        headers: range === null ? {} : { "content-range": range },
      })
    );
    const act = () => open(at(server)).fetch(descriptor, { offset: 10 });
    await fails("protocol", act, "another part");
  }
});

Deno.test("a blob that is there is not sent again", async () => {
  await using registry = new TokenRegistry();
  const { descriptor, bytes } = blob(noise(100));
  await open(registry).push(descriptor, bytes);
  const before = registry.requests.length;
  await open(registry).push(descriptor, new Response(bytes).body!);
  assertEquals(registry.requests.length, before + 1);
});

Deno.test("a long stream goes up in one request, which is sent once", async () => {
  const { descriptor, bytes } = blob(noise(UPLOAD_CHUNK_BYTES + 1));
  let [patches, refuse] = [0, false];
  await using registry: TokenRegistry = new TokenRegistry({
    tokenSeconds: 60,
    intercept: ({ method }) => {
      if (method !== "PATCH") return undefined;
      patches++;
      return refuse ? problem(503, "BUSY") : undefined;
    },
  });
  await open(registry).push(descriptor, new Response(bytes).body!);
  assertEquals(registry.blobs.get(`os@${descriptor.digest}`)?.length, bytes.length);
  assertEquals(patches, 1);

  registry.blobs.clear();
  const tampered = bytes.slice();
  tampered[bytes.length - 1] ^= 1;
  await fails("content", () => open(registry).push(descriptor, new Response(tampered).body!));
  [patches, refuse] = [0, true];
  await fails("unreachable", () => open(registry).push(descriptor, new Response(bytes).body!));
  assertEquals(patches, 1);
  assertEquals(registry.blobs.size, 0);
});

Deno.test("a token that expires between two chunks is renewed", async () => {
  let patches = 0;
  await using registry: TokenRegistry = new TokenRegistry({
    tokenSeconds: 60,
    chunkLength: 1,
    intercept: (request) => {
      if (request.method === "PATCH" && ++patches === 2) registry.forgetTokens();
      return undefined;
    },
  });
  const { descriptor, bytes } = blob(noise(2 * UPLOAD_CHUNK_BYTES + 1));
  await open(registry).push(descriptor, new Response(bytes).body!);
  assertEquals(registry.blobs.get(`os@${descriptor.digest}`)?.length, bytes.length);
  assertEquals(
    registry.asked,
    ["repository:os:pull", ...Array(2).fill("repository:os:pull,push")]
      .map((scope, i) => i === 0 ? scope : `${scope} repository:os:push`),
  );
});

Deno.test("a blob that the registry took is there, though its answer was lost", async () => {
  const { descriptor, bytes } = blob(noise(100));
  for (const taken of [true, false]) {
    let puts = 0;
    await using registry: TokenRegistry = new TokenRegistry({
      intercept: (request) => {
        if (request.method !== "PUT") return undefined;
        if (taken) registry.blobs.set(`os@${descriptor.digest}`, bytes);
        return ++puts === 1 ? problem(502, "UNKNOWN") : problem(404, "BLOB_UPLOAD_UNKNOWN");
      },
    });
    const push = () => open(registry).push(descriptor, bytes);
    if (taken) await push();
    else await fails("missing", push, "BLOB_UPLOAD_UNKNOWN");
  }
});

Deno.test("a blob is mounted with a token for both repositories", async () => {
  const { descriptor, bytes } = blob(noise(100));
  await using registry = new TokenRegistry({ tokenSeconds: 60 });
  registry.blobs.set(`from@${descriptor.digest}`, bytes);
  assertEquals(await open(registry).mount("from", descriptor), true);
  await using refusing = new TokenRegistry({ tokenSeconds: 60, noMount: true });
  refusing.blobs.set(`from@${descriptor.digest}`, bytes);
  assertEquals(await open(refusing).mount("from", descriptor), false);
  assert(!refusing.blobs.has(`os@${descriptor.digest}`));
});

Deno.test("an upload that is to go on nowhere, or off the web, is refused", async () => {
  for (const location of [null, "http://", "file:///x"]) {
    await using server = serve((request) =>
      request.method === "HEAD"
        ? problem(404, "BLOB_UNKNOWN")
        : new Response(null, { status: 202, headers: location === null ? {} : { location } })
    );
    const { descriptor, bytes } = blob(noise(10));
    await fails("protocol", () => open(at(server)).push(descriptor, bytes), "leads to");
  }
});

Deno.test("an upload that goes on at another host goes there without a token", async () => {
  await using storage = serve(() => new Response(null, { status: 201 }));
  await using registry = new TokenRegistry({
    tokenSeconds: 60,
    intercept: ({ method, headers }) =>
      method === "POST" && headers.has("authorization")
        ? new Response(null, { status: 202, headers: { location: `${storage.url}/up?sig=a%2Fb` } })
        : undefined,
  });
  const { descriptor, bytes } = blob(noise(10));
  await open(registry).push(descriptor, bytes);
  const [{ path, headers }] = storage.requests;
  assertEquals(path, `/up?sig=a%2Fb&digest=${encodeURIComponent(descriptor.digest)}`);
  assertEquals(headers.get("authorization"), null);
});

Deno.test("a registry that keeps less than was sent is refused", async () => {
  await using server = serve((request) =>
    request.method === "HEAD"
      ? problem(404, "BLOB_UNKNOWN")
      : new Response(null, { status: 202, headers: { location: "/x", range: "0-9" } })
  );
  const { descriptor, bytes } = blob(noise(UPLOAD_CHUNK_BYTES + 1));
  const act = () => open(at(server)).push(descriptor, new Response(bytes).body!);
  await fails("protocol", act, "are kept");
});

Deno.test("tags come in pages, and are sorted", async () => {
  await using registry = new TokenRegistry({ page: 2 });
  const repository = open(registry);
  const { descriptor } = await pushAll(repository, image(blob(noise(10))));
  for (const tag of ["b", "a", "B", "c", "_"]) await repository.tag(descriptor, tag);
  assertEquals(await repository.tags(), ["B", "_", "a", "b", "c"]);
});

Deno.test("lists that never end, lead elsewhere or are none are refused", async () => {
  const list = (link: string) => () => Response.json({ tags: ["a"] }, { headers: { link } });
  await using endless = serve(list('</v2/os/tags/list>; rel="next"'));
  await fails("protocol", () => open(at(endless)).tags(), `more than ${MAX_PAGES} pages`);
  assertEquals(endless.requests.length, MAX_PAGES);
  await using elsewhere = serve(list(`<${endless.url}/>; rel=next`));
  await fails("protocol", () => open(at(elsewhere)).tags(), "another server");
  await using other = serve(list('</v2/os/tags/list>; rel="previous"'));
  assertEquals(await open(at(other)).tags(), ["a"]);
  const bad = [{ tags: ["../x"] }, { tags: [7] }, { tags: 7 }, [], {
    tags: Array(MAX_LISTED + 1).fill("a"),
  }];
  for (const body of bad) {
    await using server = serve(() => Response.json(body));
    await fails("content", () => open(at(server)).tags());
  }
  await using none = serve(() => Response.json({ tags: null }));
  assertEquals(await open(at(none)).tags(), []);
  await using large = serve(() => new Response(new Uint8Array(5 << 20)));
  await fails("protocol", () => open(at(large)).tags(), "a page of more");
});

for (const api of [true, false]) {
  const where = api ? "by the registry" : "under a tag";
  Deno.test(`what refers to a manifest is listed ${where}, by type`, async () => {
    await using registry = new TokenRegistry({ referrers: api, page: 2, tokenSeconds: 60 });
    const repository = open(registry);
    const subject = await pushAll(repository, image(blob(noise(10))));
    const types = ["a/a", "b/b", "a/a"];
    const pushed = [];
    for (const [i, artifactType] of types.entries()) {
      const changes = { subject: subject.descriptor, artifactType, annotations: { i: `${i}` } };
      pushed.push(await pushAll(repository, image(blob(noise(10)), changes)));
    }
    const digests = pushed.map(({ descriptor }) => descriptor.digest);
    const listed = await repository.referrers(subject.descriptor);
    assertEquals(listed.map(({ digest }) => digest), digests);
    assertEquals(listed.map(({ annotations }) => annotations?.i), ["0", "1", "2"]);
    const some = await repository.referrers(subject.descriptor, "a/a");
    assertEquals(some.map(({ digest }) => digest), [digests[0], digests[2]]);
    const tag = subject.descriptor.digest.replace(":", "-");
    assertEquals(registry.tags.has(`os:${tag}`), !api);
    // once more changes nothing
    const index = registry.tags.get(`os:${tag}`);
    await repository.push(pushed[0].descriptor, pushed[0].bytes);
    assertEquals((await repository.referrers(subject.descriptor)).length, 3);
    assertEquals(registry.tags.get(`os:${tag}`), index);
    await repository.deleteManifest(digests[1]);
    const left = await repository.referrers(subject.descriptor);
    assertEquals(left.map(({ digest }) => digest), [digests[0], digests[2]]);
    assertEquals(registry.tags.has(`os:${tag}`), !api);
  });
}

Deno.test("referrers that are no index are refused", async () => {
  const { descriptor } = MANIFEST;
  await using server = serve(() => Response.json({ manifests: [] }));
  await fails("protocol", () => open(at(server)).referrers(descriptor), "no index");
  for (const manifests of [7, [7], [{}], [{ mediaType: "a/b", size: 1, digest: "sha256:x" }]]) {
    await using bad = serve(() =>
      Response.json({ manifests }, { headers: { "content-type": IMAGE_INDEX } })
    );
    await fails("content", () => open(at(bad)).referrers(descriptor));
  }
});

Deno.test("manifests and blobs are deleted with a token for that", async () => {
  await using registry = new TokenRegistry({ tokenSeconds: 60 });
  const repository = open(registry);
  const pieces = image(blob(noise(10)));
  const { descriptor } = await pushAll(repository, pieces);
  await repository.tag(descriptor, "a");
  await repository.deleteManifest("a");
  assertEquals(await repository.tags(), []);
  assertEquals(await repository.exists(descriptor), true);
  await repository.deleteManifest(descriptor.digest);
  await repository.deleteBlob(pieces[0].descriptor.digest);
  assertEquals(await repository.exists(descriptor), false);
  assertEquals(await repository.exists(pieces[0].descriptor), false);
  const unsound = json(IMAGE_MANIFEST, { schemaVersion: 2 });
  registry.manifests.set(`os@${unsound.descriptor.digest}`, {
    mediaType: IMAGE_MANIFEST,
    bytes: unsound.bytes,
  });
  await repository.deleteManifest(unsound.descriptor.digest);
  assertEquals(registry.manifests.size, 0);
});
