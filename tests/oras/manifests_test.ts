import { assert, assertEquals } from "@std/assert";
import {
  digestOf,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  MAX_MANIFEST_BYTES,
  type OrasErrorCode,
} from "../../mod/oras/mod.ts";
import { serve } from "../http/_servers.ts";
import { blob, image, json, noise, pushAll } from "./_artifacts.ts";
import { TokenRegistry } from "./_token_registry.ts";
import { at, fails, MANIFEST, odd, open } from "./_repository.ts";

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
