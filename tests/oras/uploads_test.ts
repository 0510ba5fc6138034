import { assert, assertEquals } from "@std/assert";
import { UPLOAD_CHUNK_BYTES } from "../../mod/oras/mod.ts";
import { serve } from "../http/_servers.ts";
import { blob, noise } from "./_artifacts.ts";
import { problem, TokenRegistry } from "./_token_registry.ts";
import { at, fails, open } from "./_repository.ts";

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
